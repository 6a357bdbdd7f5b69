"""A large language model as one more annotator: any server that speaks OpenAI's chat protocol, named by a TOML file.

`plan` says what would be sent to whom, `work` sends it and checks every answer against the text (`answers`); `prompt` makes
what is sent, `endpoint` speaks HTTP, `cache` keeps what was answered, `budget` stops the run.
"""

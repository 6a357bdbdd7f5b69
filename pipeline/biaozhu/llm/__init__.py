"""A large language model as one more annotator: any server that speaks OpenAI's chat protocol, named by a TOML file.

`plan` says what would be sent to whom, `work` sends it and checks every answer against the text (`answers`, `marks`); `prompt` and
`examples` make what is sent, `endpoint` speaks HTTP, `cache` keeps what was answered, `budget` stops the run, `record` is for layers.
"""

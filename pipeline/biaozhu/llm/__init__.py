"""A large language model as one more annotator: any server that speaks OpenAI's chat protocol, named by a TOML file.

`plan` says what would be sent to whom, `work` sends it, `answers` checks every answer against the text and keeps it,
`endpoint` speaks HTTP, `config` says what it may cost.
"""

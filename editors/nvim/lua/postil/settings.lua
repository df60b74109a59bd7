--- The server's settings: names, types and bounds. Generated from lsp/settings.py by
--- `python -m tests.lsp.lua_settings`; do not edit. The README says what each default is.

---@class (exact) postil.Settings
---@field model? string Which weights to use: auto, a name from `postil models list`, transformers:FOLDER, or none.
---@field model_digest? string SHA-256 that a folder for Transformers must have; asked for without one, Postil says which it has.
---@field effort? 'quick'|'normal'|'deep' How long the model may think: quick, normal or deep.
---@field thinking_seconds? number The thinking of one answer is closed after so long; 0 sets no limit.
---@field context_tokens? integer Code shown to the model, in its own tokens.
---@field reorder_weight? number How much the model's own order of the best suspects counts; 0 asks it for none. Measure yours with `postil eval --with-model`.
---@field n_threads? integer Threads for the model; 0 takes the physical cores.
---@field n_ctx? integer The model's context in tokens; 0 takes what fits.
---@field n_gpu_layers? integer Layers of the model on the GPU, where llama.cpp was built for one; -1 is all.
---@field kv_cache? 'f16'|'q8_0'|'q4_0' How the context is kept: f16, q8_0 (half the memory), q4_0 (a quarter, and answers get worse).
---@field flash_attention? 'auto'|'on'|'off' auto, on or off; auto is on for a GPU or a small kv_cache.
---@field drafts? 'prompt'|'none' prompt: what an answer copies from the prompt is written faster; none.
---@field idle_unload_minutes? number The model leaves memory after so long without a question; 0 is never.
---@field code_lens? boolean What can be asked about a function or a finding stands above it.
---@field symbols? boolean Names in a file and in the workspace come from Postil's index, too; for editors without another server for a language.
---@field inline_completion? boolean The model fills in code at the cursor, where it was trained for that.
---@field review_on_save? boolean What was changed since the last commit is read by the model on saving.
---@field pull_diagnostics? boolean The editor asks for diagnostics, where it can, instead of being sent them.
---@field max_suspects? integer Suspects shown for one report.
---@field check_command? string[] Words of a command (tests, a type checker) that each edit is tried with, on a copy and in trusted workspaces only.
---@field check_seconds? number The check command is ended after so long.
---@field endpoints? string[] Addresses of servers to ask instead of the local model; several share the load.
---@field endpoint_kind? 'openai'|'ollama' What the servers speak: openai or ollama.
---@field endpoint_model? string The servers' model; empty for their first.
---@field endpoint_format? 'auto'|'chatml'|'deepseek-r1'|'chat' How their model is spoken to: chatml, deepseek-r1, chat (the server's own template), or auto, by the model's name.
---@field allowed_hosts? string[] Hosts beside this machine that code may be sent to.
---@field api_key_variable? string Environment variable that holds the servers' key.
---@field ca_file? string Certificate (PEM) of the authority that signed the servers'.
---@field cache_dir? string Folder for the index.
---@field record? 'off'|'digests'|'text' What is recorded of questions to the model: off, digests, or text, too.
---@field data_dir? string Folder for the record.
---@field models_dir? string Folder for the weights.

local M = {}

---@type table<string, postil.Kind>
M.known = {
  model = { type = 'string' },
  model_digest = { type = 'string' },
  effort = { type = 'string', one_of = { 'quick', 'normal', 'deep' } },
  thinking_seconds = { type = 'number', min = 0, max = 86400 },
  context_tokens = { type = 'integer', min = 200, max = 100000 },
  reorder_weight = { type = 'number', min = 0, max = 4 },
  n_threads = { type = 'integer', min = 0, max = 1024 },
  n_ctx = { type = 'integer', min = 0, max = 1048576 },
  n_gpu_layers = { type = 'integer', min = -1, max = 1000 },
  kv_cache = { type = 'string', one_of = { 'f16', 'q8_0', 'q4_0' } },
  flash_attention = { type = 'string', one_of = { 'auto', 'on', 'off' } },
  drafts = { type = 'string', one_of = { 'prompt', 'none' } },
  idle_unload_minutes = { type = 'number', min = 0, max = 10080 },
  code_lens = { type = 'boolean' },
  symbols = { type = 'boolean' },
  inline_completion = { type = 'boolean' },
  review_on_save = { type = 'boolean' },
  pull_diagnostics = { type = 'boolean' },
  max_suspects = { type = 'integer', min = 1, max = 100 },
  check_command = { type = 'list' },
  check_seconds = { type = 'number', min = 1, max = 3600 },
  endpoints = { type = 'list' },
  endpoint_kind = { type = 'string', one_of = { 'openai', 'ollama' } },
  endpoint_model = { type = 'string' },
  endpoint_format = { type = 'string', one_of = { 'auto', 'chatml', 'deepseek-r1', 'chat' } },
  allowed_hosts = { type = 'list' },
  api_key_variable = { type = 'string' },
  ca_file = { type = 'string' },
  cache_dir = { type = 'string' },
  record = { type = 'string', one_of = { 'off', 'digests', 'text' } },
  data_dir = { type = 'string' },
  models_dir = { type = 'string' },
}

return M

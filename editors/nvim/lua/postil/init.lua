--- Postil for Neovim 0.11+: starts the language server and gives its commands a name.
--- Everything else (diagnostics, hover, code actions) is Neovim's own LSP client.

local M = {}

---@class (exact) postil.Options
---@field cmd? string[] how to start the server
---@field filetypes? string[]
---@field root_markers? string[]
---@field model? string auto, a name from `postil models list`, or none
---@field effort? 'quick'|'normal'|'deep' how long the model may think
---@field context_tokens? integer code shown to the model, in its tokens
---@field reorder_weight? number how much the model's own order of the best suspects counts
---@field n_threads? integer
---@field n_ctx? integer
---@field n_gpu_layers? integer
---@field kv_cache? 'f16'|'q8_0'|'q4_0'
---@field flash_attention? 'auto'|'on'|'off'
---@field drafts? 'prompt'|'none'
---@field idle_unload_minutes? number
---@field code_lens? boolean
---@field symbols? boolean
---@field inline_completion? boolean
---@field review_on_save? boolean
---@field pull_diagnostics? boolean
---@field max_suspects? integer
---@field model_digest? string
---@field record? 'off'|'digests'|'text'
---@field cache_dir? string
---@field data_dir? string
---@field models_dir? string
---@field endpoints? string[] servers to ask instead of the local model
---@field endpoint_kind? 'openai'|'ollama'
---@field endpoint_model? string
---@field endpoint_format? 'auto'|'chatml'|'deepseek-r1'|'chat'
---@field allowed_hosts? string[] hosts beside this machine that code may be sent to
---@field api_key_variable? string environment variable that holds the servers' key
---@field ca_file? string

---@class (exact) postil.Config: postil.Options
---@field cmd string[]
---@field filetypes string[]
---@field root_markers string[]

---@type postil.Config
M.config = {
  cmd = { 'postil', 'serve' },
  filetypes = {
    'python', 'javascript', 'javascriptreact', 'typescript', 'typescriptreact', 'go', 'java', 'rust', 'c', 'cpp',
    'kotlin', 'cs', 'ruby', 'php', 'swift', 'scala', 'lua', 'sh', 'bash',
  },
  root_markers = { '.git', 'pyproject.toml', 'package.json', 'go.mod', 'Cargo.toml', 'pom.xml', 'CMakeLists.txt' },
}

-- The server's settings, with the type that each has here. The README says what they mean.
local settings = {
  model = 'string', model_digest = 'string', effort = 'string', context_tokens = 'number', reorder_weight = 'number',
  n_threads = 'number', n_ctx = 'number', n_gpu_layers = 'number', kv_cache = 'string', flash_attention = 'string',
  drafts = 'string', idle_unload_minutes = 'number', code_lens = 'boolean', symbols = 'boolean',
  inline_completion = 'boolean', review_on_save = 'boolean', pull_diagnostics = 'boolean', max_suspects = 'number', endpoints = 'table',
  endpoint_kind = 'string', endpoint_model = 'string', endpoint_format = 'string', allowed_hosts = 'table',
  api_key_variable = 'string', ca_file = 'string', record = 'string', cache_dir = 'string', data_dir = 'string',
  models_dir = 'string',
}

--- Check options, merge them with the defaults and enable the server.
---@param options? postil.Options
function M.setup(options)
  options = options or {}
  vim.validate('options', options, 'table')
  local kinds = vim.tbl_extend('error', { cmd = 'table', filetypes = 'table', root_markers = 'table' }, settings)
  for name, value in pairs(options) do
    if not kinds[name] then
      error(('postil: there is no option named %s'):format(name), 0)
    end
    vim.validate(name, value, kinds[name])
  end
  M.config = vim.tbl_extend('force', M.config, options)
  local init_options = vim.empty_dict()
  for name in pairs(settings) do
    init_options[name] = M.config[name]
  end
  if vim.fn.executable(M.config.cmd[1]) == 0 then
    vim.notify(
      ('postil: %s was not found; install Postil or set cmd to where its command is'):format(M.config.cmd[1]),
      vim.log.levels.ERROR
    )
    return
  end
  vim.lsp.config('postil', {
    cmd = M.config.cmd,
    filetypes = M.config.filetypes,
    root_markers = M.config.root_markers,
    init_options = init_options,
    capabilities = { workspace = { workspaceEdit = { documentChanges = true, changeAnnotationSupport = vim.empty_dict() } } },
    handlers = { ['workspace/applyEdit'] = require('postil.edits').apply_handler },
  })
  vim.lsp.enable('postil')
end

--- The client of a buffer, else any; nil with a message when there is none.
---@param bufnr? integer
---@return vim.lsp.Client?
function M.client(bufnr)
  local client = vim.lsp.get_clients({ name = 'postil', bufnr = bufnr })[1] or vim.lsp.get_clients({ name = 'postil' })[1]
  if not client then
    vim.notify('postil: the server is not running; open a file of a project first', vim.log.levels.WARN)
  end
  return client
end

return M

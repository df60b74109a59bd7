--- How Neovim's LSP client is set up for the server, and how it is started again.

local M = {}

--- Code actions of the server come as commands, never as edits to resolve: Neovim would apply a
--- resolved edit without asking, whereas a command's edit comes to `postil.edits` first.
local capabilities = {
  workspace = {
    workspaceEdit = { documentChanges = true, changeAnnotationSupport = vim.empty_dict() },
  },
  textDocument = { codeAction = { resolveSupport = { properties = {} } } },
  experimental = { postil = { status = true, suspects = true, thinking = true } },
}

--- The folder of a file's project. Where nothing marks one, it is the working folder, if the file is
--- in it and it is no home folder, which would be indexed with all that is in it.
---@param file string
---@param markers string[]
---@return string?
function M.root_of(file, markers)
  local root = vim.fs.root(file, markers)
  if root then
    return root
  end
  local here = assert(vim.uv.cwd())
  local home = vim.fs.normalize('~')
  if here == home or vim.fs.relpath(here, home) or not vim.fs.relpath(here, file) then
    return nil
  end
  return here
end

---@param code integer
---@param signal integer
---@param client_id integer
local function on_exit(code, signal, client_id)
  vim.schedule(function()
    require('postil.status').forget(client_id)
    require('postil.jobs').forget(client_id)
    if (code ~= 0 or signal ~= 0) and vim.v.exiting == vim.NIL then
      local how = signal ~= 0 and 'signal ' .. signal or 'code ' .. code
      local sentence = 'the server ended (%s); :Postil restart starts it again, :LspLog tells more'
      require('postil').say(sentence:format(how), vim.log.levels.ERROR)
    end
  end)
end

---@param config postil.Config
---@return vim.lsp.Config
function M.config(config)
  local commands = {}
  for _, name in ipairs(require('postil.results').commands()) do
    ---@param command lsp.Command
    commands[name] = function(command)
      require('postil.jobs').run(name, (command.arguments or {})[1] or vim.empty_dict())
    end
  end
  return {
    cmd = config.cmd,
    filetypes = config.filetypes,
    ---@param buffer integer
    ---@param on_dir fun(root?: string)
    root_dir = function(buffer, on_dir)
      on_dir(M.root_of(vim.api.nvim_buf_get_name(buffer), config.root_markers))
    end,
    init_options = require('postil.options').for_server(config),
    -- for servers that ask with workspace/configuration
    settings = { postil = require('postil.options').for_server(config) },
    capabilities = capabilities,
    commands = commands, -- so that what a menu starts goes the way of :Postil
    on_exit = on_exit,
    handlers = {
      ['workspace/applyEdit'] = function(...)
        return require('postil.edits').apply_handler(...)
      end,
      ['postil/status'] = function(_, status, ctx)
        require('postil.status').update(ctx.client_id, status)
      end,
      ['postil/suspects'] = function(_, params)
        require('postil.suspects').update(params)
      end,
      ['postil/thinking'] = function(_, params)
        require('postil.jobs').on_thinking(params)
      end,
    },
  }
end

--- Stop every server of ours, wait until it is gone, and start it for the buffers that had it.
function M.restart()
  if not vim.lsp.is_enabled('postil') then
    require('postil').say('setup() has not been called, or the server was not found')
    return
  end
  local clients = vim.lsp.get_clients({ name = 'postil', _uninitialized = true })
  vim.lsp.enable('postil', false)
  for _, client in ipairs(clients) do
    client:stop(true)
  end
  vim.wait(3000, function()
    return vim.iter(clients):all(function(client)
      return client:is_stopped()
    end)
  end, 20)
  vim.lsp.enable('postil')
end

return M

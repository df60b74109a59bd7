--- Postil for Neovim 0.11+: starts the language server and gives its commands a name.
--- Diagnostics, hover and the menu of code actions are Neovim's own LSP client.
--- What else there is stands in `postil.commands` (:Postil), and `:help postil` explains it.

local M = {}

---@type postil.Config
M.config = require('postil.options').defaults()

--- One sentence to the user. What is no error is cut to one line of the screen, as Neovim would
--- otherwise wait for a key; the whole of it is in the quickfix list, a diagnostic or a window.
---@param text string
---@param level? vim.log.levels
function M.say(text, level)
  local line = 'postil: ' .. text
  if level == nil then
    line = line:gsub('%s+', ' ')
    while vim.fn.strdisplaywidth(line) > vim.v.echospace do
      line = vim.fn.strcharpart(line, 0, vim.fn.strchars(line) - 2) .. '…'
    end
  end
  vim.notify(line, level or vim.log.levels.INFO)
end

--- Check the options, merge them with the defaults and enable the server.
--- Raises one sentence when an option has an unknown name or a wrong value.
---@param options? postil.Options
function M.setup(options)
  M.config = require('postil.options').merged(options or {})
  if vim.fn.executable(M.config.cmd[1]) == 0 then
    local wanted = '%s was not found; install Postil, or set cmd to where its command is'
    M.say(wanted:format(M.config.cmd[1]), vim.log.levels.ERROR)
    return
  end
  vim.lsp.config('postil', require('postil.client').config(M.config))
  vim.lsp.enable('postil')
end

--- The client of a buffer, else the newest; nil when none runs.
---@param bufnr? integer
---@return vim.lsp.Client?
function M.running(bufnr)
  -- one that has been told to stop is still listed for a while
  local clients = vim.tbl_filter(function(client)
    return not client:is_stopped()
  end, vim.lsp.get_clients({ name = 'postil' }))
  local own = vim.iter(clients):find(function(client)
    return bufnr ~= nil and client.attached_buffers[bufnr] == true
  end)
  return own or clients[#clients]
end

--- The same, with a message when there is none.
---@param bufnr? integer
---@return vim.lsp.Client?
function M.client(bufnr)
  local client = M.running(bufnr)
  if not client then
    M.say('the server is not running; open a file of a project first', vim.log.levels.WARN)
  end
  return client
end

--- What Postil does now, for a statusline; empty where it does not run.
--- `%{%v:lua.require'postil'.statusline()%}`
---@return string
function M.statusline()
  return require('postil.status').line()
end

return M

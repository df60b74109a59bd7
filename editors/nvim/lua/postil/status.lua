--- What the server says it is doing (postil/status), for a statusline and `:Postil status`.

local M = {}

---@class (exact) postil.Status
---@field state 'starting'|'indexing'|'thinking'|'idle'|'no_model'|'error'
---@field text string one line
---@field indexed? integer
---@field total? integer
---@field model? string
---@field loaded? boolean
---@field effort? string
---@field endpoints? string[]
---@field device? string
---@field advice? string
---@field folders? table<string, string>

---@type table<integer, postil.Status>
local by_client = {}

---@param client_id integer
---@param status postil.Status
function M.update(client_id, status)
  by_client[client_id] = status
  vim.cmd.redrawstatus({ bang = true })
end

---@param client_id integer
function M.forget(client_id)
  by_client[client_id] = nil
  vim.cmd.redrawstatus({ bang = true })
end

--- The status of the buffer's server, else of any. Empty when no server runs.
---@return string
function M.line()
  local client = require('postil').running(vim.api.nvim_get_current_buf())
  if not client then
    return ''
  end
  local status = by_client[client.id]
  local text = status and status.text or ''
  if text == '' then
    text = #require('postil.jobs').running > 0 and 'working' or 'ready'
  end
  -- % begins an item in a statusline, and a file may be called anything
  return 'Postil: ' .. text:gsub('%c', ' '):gsub('%%', '%%%%')
end

---@param status postil.Status
---@return string[]
function M.lines(status)
  local lines = {}
  local function add(name, value)
    if value ~= nil and value ~= vim.NIL and value ~= '' then
      table.insert(lines, ('%-11s %s'):format(name, tostring(value)))
    end
  end
  add('state', status.text or status.state)
  add('model', status.model)
  add('device', status.device)
  add('effort', status.effort)
  for _, endpoint in ipairs(status.endpoints or {}) do
    add('endpoint', endpoint)
  end
  if status.indexed then
    local of = status.total ~= vim.NIL and status.total and (' of %d'):format(status.total) or ''
    add('files', ('%d%s indexed'):format(status.indexed, of))
  end
  for folder, state in vim.spairs(status.folders or {}) do
    add(state, folder)
  end
  add('advice', status.advice)
  return lines
end

return M

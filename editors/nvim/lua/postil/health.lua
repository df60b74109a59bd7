--- :checkhealth postil: is Neovim new enough, is the server found, does it start, what is missing.

local M = {}

M.start_ms = 15000
local DOCTOR_MS = 120000 -- it loads llama.cpp, and a GPU's library compiles kernels the first time

---@param config postil.Config
local function check_server(config)
  local health = vim.health
  local client = require('postil').running()
  if client then
    local info = client.server_info or {}
    health.ok(('the server is running, version %s'):format(info.version or 'unknown'))
    return
  end
  local id = vim.lsp.start(
    { name = 'postil-health', cmd = config.cmd, capabilities = vim.empty_dict() },
    { attach = false, silent = true }
  )
  client = id and vim.lsp.get_client_by_id(id) or nil
  if client then
    vim.wait(M.start_ms, function()
      return client.initialized or client:is_stopped()
    end, 20)
  end
  local command = table.concat(config.cmd, ' ')
  if client and client.initialized and not client:is_stopped() then
    local version = (client.server_info or {}).version or 'unknown'
    health.ok(('the server starts, version %s; it is not running now'):format(version))
    client:stop()
  elseif client and not client:is_stopped() then
    local sentence = 'the server has not answered within %g s: %s'
    health.warn(sentence:format(M.start_ms / 1000, command), {
      'it may be slow on a busy machine or a network drive: look again',
    })
    client:stop(true) -- one that has not started does not know of a polite end
  else
    health.error(
      ('the server does not start: %s'):format(command),
      { 'run that command in a shell, or postil doctor', ':LspLog shows what it wrote' }
    )
  end
end

--- What `postil doctor` says, row by row.
---@param config postil.Config
local function check_doctor(config)
  local health = vim.health
  local command = vim.list_slice(config.cmd)
  if command[#command] ~= 'serve' then
    health.info('cmd does not end with serve: run postil doctor yourself')
    return
  end
  command[#command] = 'doctor'
  table.insert(command, '--json')
  local ok, done = pcall(function()
    return vim.system(command, { text = true, timeout = DOCTOR_MS }):wait()
  end)
  local parsed, told = pcall(vim.json.decode, ok and done.stdout or '')
  if not parsed or type(told) ~= 'table' then
    health.warn('postil doctor did not answer', { table.concat(command, ' ') })
    return
  end
  for _, row in ipairs(told.rows or {}) do
    local text = ('%s: %s'):format(row.title, row.said)
    local advice = row.remedy ~= '' and { row.remedy } or nil
    if row.status == 'problem' then
      health.error(text, advice)
    elseif row.status == 'note' and advice then
      health.warn(text, advice)
    elseif row.status == 'note' then
      health.info(text)
    else
      health.ok(text)
    end
  end
end

function M.check()
  local health, config = vim.health, require('postil').config
  health.start('postil: editor and server')
  if vim.fn.has('nvim-0.11') == 1 then
    health.ok('Neovim ' .. tostring(vim.version()))
  else
    health.error('Neovim 0.11 or newer is needed')
    return
  end
  if vim.fn.executable(config.cmd[1]) == 0 then
    health.error(config.cmd[1] .. ' was not found', {
      "install Postil, or name it: require('postil').setup({ cmd = { '/path/to/postil', 'serve' } })",
    })
    return
  end
  health.ok('the server is ' .. vim.fn.exepath(config.cmd[1]))
  if not vim.lsp.is_enabled('postil') then
    health.warn('the server is not enabled', { "call require('postil').setup()" })
  end
  check_server(config)
  health.start('postil: doctor')
  check_doctor(config)
end

return M

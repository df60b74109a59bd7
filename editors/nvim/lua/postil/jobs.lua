--- The running commands of the server: each with its thinking so far, its end and its cancel.
--- What a result looks like is no matter of this module; `postil.results` shows it.

local M = {}

---@class (exact) postil.Job
---@field token string the work-done token that its progress and its thinking carry
---@field command string
---@field argument table
---@field client_id integer
---@field request_id integer
---@field asks boolean its edit is made from a person's words, and is shown before it lands
---@field thinking string
---@field answer string
---@field on_change? fun(job: postil.Job, piece: string) a window that follows it
---@field on_end? fun(job: postil.Job, how: 'done'|'failed'|'stopped')

---@type postil.Job[] those that a model works on, the newest last
M.running = {}
local n_started = 0

---@param job postil.Job
---@param how 'done'|'failed'|'stopped'
local function finish(job, how)
  local before = #M.running
  M.running = vim.tbl_filter(function(other)
    return other ~= job
  end, M.running)
  if #M.running < before and job.on_end then
    job.on_end(job, how)
  end
end

---@param client vim.lsp.Client
---@param command string
---@return boolean
local function offered(client, command)
  local provider = client.server_capabilities.executeCommandProvider or {}
  return vim.list_contains(provider.commands or {}, command)
end

--- Commands whose edit is made from what the user has written.
local FROM_WORDS = { 'postil.change', 'postil.changeSignature' }

--- Run a command; its result is shown by `postil.results`, an error is one message.
---@param command string
---@param argument table
---@param asks? boolean
---@return postil.Job?
function M.run(command, argument, asks)
  local postil = require('postil')
  local bufnr = vim.api.nvim_get_current_buf()
  local client = postil.client(bufnr)
  if not client then
    return
  end
  if not offered(client, command) then
    postil.say(('this server has no %s; a newer Postil may'):format(command), vim.log.levels.WARN)
    return
  end
  n_started = n_started + 1
  ---@type postil.Job
  local job = {
    token = ('postil-nvim-%d'):format(n_started),
    command = command,
    argument = argument,
    client_id = client.id,
    request_id = 0,
    asks = asks or vim.list_contains(FROM_WORDS, command),
    thinking = '',
    answer = '',
  }
  if require('postil.results').takes_time(command) then
    table.insert(M.running, job)
  end
  -- A request brings only its own buffer's changes with it, and others' wait 150 ms; a notification
  -- brings them all. This one means nothing here.
  client:notify('$/setTrace', { value = 'off' })
  local params = { command = command, arguments = { argument }, workDoneToken = job.token }
  local sent, id = client:request('workspace/executeCommand', params, function(err, result)
    finish(job, err and 'failed' or 'done')
    if err then
      postil.say(err.message, vim.log.levels.ERROR)
    else
      require('postil.results').show(job, result, client)
    end
  end, bufnr)
  if not sent or not id then
    finish(job, 'failed')
    return
  end
  job.request_id = id
  require('postil.results').begin(job)
  return job
end

--- A new piece of what the model thinks or answers (postil/thinking).
---@param params {token: string|integer, kind: 'thinking'|'answering', text: string}
function M.on_thinking(params)
  for _, job in ipairs(M.running) do
    if job.token == params.token then
      local part = params.kind == 'thinking' and 'thinking' or 'answer'
      job[part] = job[part] .. params.text
      if job.on_change then
        job.on_change(job, params.text)
      end
    end
  end
end

--- Stop a job. Neovim drops the answer to a cancelled request, so that this is its end.
---@param job postil.Job
function M.cancel(job)
  local client = vim.lsp.get_client_by_id(job.client_id)
  if client then
    client:cancel_request(job.request_id)
  end
  finish(job, 'stopped')
end

---@return integer number of jobs that were stopped
function M.cancel_all()
  local jobs = vim.list_slice(M.running)
  vim.iter(jobs):each(M.cancel)
  return #jobs
end

--- The server is gone: so are its jobs.
---@param client_id integer
function M.forget(client_id)
  for _, job in ipairs(vim.list_slice(M.running)) do
    if job.client_id == client_id then
      finish(job, 'failed')
    end
  end
end

--- Is a job running whose edit must be shown before it lands?
---@param client_id integer
---@return boolean
function M.asks(client_id)
  return vim.iter(M.running):any(function(job)
    return job.client_id == client_id and job.asks
  end)
end

return M

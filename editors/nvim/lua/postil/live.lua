--- A window that shows what the model thinks while it thinks. `q` closes it and the job goes on;
--- `<C-c>` stops the job. The thinking is folded once the answer begins.

local window = require('postil.window')

local M = {}

---@class (exact) postil.Live: postil.Float
---@field answer_from? integer line (1-based) on which the answer begins
---@field job postil.Job

---@type postil.Live?
M.current = nil

local HEAD = 'Thinking'

---@param live postil.Live
---@param piece string
local function append(live, piece)
  local last = vim.api.nvim_buf_line_count(live.buf) - 1
  local line = vim.api.nvim_buf_get_lines(live.buf, last, last + 1, false)[1]
  vim.bo[live.buf].modifiable = true
  vim.api.nvim_buf_set_text(live.buf, last, #line, last, #line, vim.split(piece, '\n'))
  vim.bo[live.buf].modifiable = false
end

---@param live postil.Live
local function begin_answer(live)
  local n_lines = vim.api.nvim_buf_line_count(live.buf)
  vim.bo[live.buf].modifiable = true
  vim.api.nvim_buf_set_lines(live.buf, -1, -1, false, { '', '' })
  vim.bo[live.buf].modifiable = false
  live.answer_from = n_lines + 2
  window.fold(live, 1, n_lines)
end

--- Follow the text, unless the reader went up in it.
---@param live postil.Live
---@param was_at_end boolean
local function follow(live, was_at_end)
  window.fit(live)
  if was_at_end then
    vim.api.nvim_win_set_cursor(live.win, { vim.api.nvim_buf_line_count(live.buf), 0 })
  end
end

---@param live postil.Live
---@param job postil.Job
---@param piece string
local function on_change(live, job, piece)
  if not window.is_open(live) then
    job.on_change = nil
    return
  end
  local cursor = vim.api.nvim_win_get_cursor(live.win)[1]
  local was_at_end = cursor == vim.api.nvim_buf_line_count(live.buf)
  if job.answer ~= '' and not live.answer_from then
    begin_answer(live)
  end
  append(live, piece)
  follow(live, was_at_end)
end

--- The thinking of a job that is done stays for whoever is reading it, and an explanation comes
--- under it; else the window goes with its job.
---@param live postil.Live
---@param how 'done'|'failed'|'stopped'
local function on_end(live, how)
  if not window.is_open(live) then
    return
  end
  local is_read = vim.api.nvim_get_current_win() == live.win
  if how == 'done' and (is_read or live.job.command == 'postil.explain') then
    vim.api.nvim_win_set_config(live.win, { title = ' Postil: done (q closes) ' })
  else
    window.close(live)
  end
end

--- Open the window on a running job, with what there is so far.
---@param job postil.Job
---@param enter boolean
function M.open(job, enter)
  window.close(M.current)
  local lines = vim.split(HEAD .. '\n' .. job.thinking, '\n')
  local float = window.open('Postil: <C-c> stops, q closes', lines, enter)
  ---@type postil.Live
  local live = { buf = float.buf, win = float.win, job = job }
  M.current = live
  if job.answer ~= '' then
    begin_answer(live)
    append(live, job.answer)
  end
  follow(live, true)
  job.on_change = function(_, piece)
    on_change(live, job, piece)
  end
  job.on_end = function(_, how)
    on_end(live, how)
  end
  vim.keymap.set('n', '<C-c>', function()
    require('postil.jobs').cancel(job)
    require('postil').say('stopped')
  end, { buffer = live.buf, desc = 'Postil: stop this job' })
end

--- Put a result under the folded thinking of its job; false when its window is not open.
---@param job postil.Job
---@param lines string[]
---@return boolean
function M.finish(job, lines)
  local live = M.current
  if not live or live.job ~= job or not window.is_open(live) then
    return false
  end
  if not live.answer_from then
    begin_answer(live)
  end
  vim.bo[live.buf].modifiable = true
  vim.api.nvim_buf_set_lines(live.buf, live.answer_from - 1, -1, false, lines)
  vim.bo[live.buf].modifiable = false
  vim.api.nvim_win_set_config(live.win, { title = ' Postil (q closes) ' })
  window.fit(live)
  vim.api.nvim_win_set_cursor(live.win, { live.answer_from, 0 })
  return true
end

return M

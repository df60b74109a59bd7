--- Floating windows for text that is read, not edited.

local M = {}

---@class (exact) postil.Float
---@field buf integer
---@field win integer

--- Open `lines` in a float; `q` closes it.
---@param title string
---@param lines string[]
---@param enter boolean
---@return postil.Float
function M.open(title, lines, enter)
  local buf = vim.api.nvim_create_buf(false, true)
  vim.bo[buf].bufhidden = 'wipe'
  M.fill(buf, lines)
  local width = math.min(100, math.max(40, vim.o.columns - 6))
  local win = vim.api.nvim_open_win(buf, enter, {
    relative = 'editor',
    row = 1,
    col = math.max(0, math.floor((vim.o.columns - width) / 2) - 1),
    width = width,
    height = 1,
    border = 'rounded',
    style = 'minimal',
    title = (' %s '):format(title),
  })
  vim.wo[win].wrap = true
  vim.wo[win].linebreak = true
  vim.wo[win].breakindent = true
  vim.wo[win].foldmethod = 'manual'
  vim.wo[win].foldtext = "v:lua.require'postil.window'.foldtext()"
  vim.wo[win].winhighlight = 'Folded:Comment'
  vim.keymap.set('n', 'q', '<cmd>close<cr>', { buffer = buf, desc = 'Postil: close' })
  M.fit({ buf = buf, win = win })
  return { buf = buf, win = win }
end

---@param buf integer
---@param lines string[]
function M.fill(buf, lines)
  vim.bo[buf].modifiable = true
  vim.api.nvim_buf_set_lines(buf, 0, -1, false, lines)
  vim.bo[buf].modifiable = false
end

--- As high as its text, wrapped lines and closed folds counted, up to what the screen has room for.
---@param float postil.Float
function M.fit(float)
  local room = math.max(3, vim.o.lines - 6)
  local wanted = vim.api.nvim_win_text_height(float.win, {}).all
  vim.api.nvim_win_set_height(float.win, math.max(1, math.min(wanted, room)))
end

---@param float? postil.Float
---@return boolean
function M.is_open(float)
  return float ~= nil and vim.api.nvim_win_is_valid(float.win)
end

---@param float? postil.Float
function M.close(float)
  if float and M.is_open(float) then
    vim.api.nvim_win_close(float.win, true)
  end
end

--- May a window be opened now, without getting into what the user is doing?
---@return boolean
function M.is_idle()
  local mode = vim.api.nvim_get_mode().mode
  return (mode == 'n' or mode == 'nt') and vim.fn.getcmdwintype() == ''
end

--- Fold lines `first` to `last` (1-based), shut.
---@param float postil.Float
---@param first integer
---@param last integer
function M.fold(float, first, last)
  if last <= first or not M.is_open(float) then
    return
  end
  vim.api.nvim_win_call(float.win, function()
    vim.cmd(('silent %d,%dfold'):format(first, last))
  end)
end

---@return string
function M.foldtext()
  local hidden = vim.v.foldend - vim.v.foldstart
  return ('▸ %s (%d more lines, za opens)'):format(vim.fn.getline(vim.v.foldstart), hidden)
end

return M

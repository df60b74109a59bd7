--- Where a bug report comes from: a register, lines, the quickfix list, or a terminal's last failure.

local M = {}

local MAX_LINES = 2000 -- of a terminal that are looked through; a guess

--- Lua patterns of lines with which tools begin to report a failure.
-- stylua: ignore
local BEGINNINGS = {
  '^Traceback %(most recent call last%)', -- Python
  '^=+ FAILURES =+', '^=+ ERRORS =+', -- pytest
  '^%-%-%- FAIL', '^panic: ', -- Go
  "^thread '.*' panicked", '^failures:$', '^error%[E%d+%]', -- Rust
  '^Exception in thread ', '^Caused by: ', -- Java
  '^%s*● ', '^Failures:$', -- Jest, RSpec
  '^%S*Error: ', '^Uncaught ', -- JavaScript, and the end of a traceback
  '^==%d+==ERROR', '^Segmentation fault', -- C, C++
}

--- Of those, the ones that can stand at the end of indented lines that belong to them, and the ones
--- that such lines can begin with.
local ENDINGS = { '^%S*Error: ', '^Caused by: ' }
local HEADS = { '^Traceback ', '^Exception in thread ', '^Caused by: ' }

--- Between two tracebacks of one failure, as Python writes them.
-- stylua: ignore
local CHAINS = {
  '^During handling of the above exception', '^The above exception was the direct cause',
}
local PYTEST_HEADS = { '^=+ FAILURES =+', '^=+ ERRORS =+' }
local PYTEST_END = '^=+ .* in [%d.]+s'

---@param line? string
---@param patterns string[]
---@return boolean
local function matches(line, patterns)
  return line ~= nil
    and vim.iter(patterns):any(function(pattern)
      return line:find(pattern) ~= nil
    end)
end

--- The nearest line at or above `number` that is not blank; 0 when there is none.
---@param lines string[]
---@param number integer
---@return integer
local function not_blank(lines, number)
  while number > 0 and vim.trim(lines[number]) == '' do
    number = number - 1
  end
  return number
end

--- Where the block begins that the line belongs to: an error stands under its traceback.
---@param lines string[]
---@param number integer
---@return integer
local function block_start(lines, number)
  if not matches(lines[number], ENDINGS) then
    return number
  end
  local above = number - 1
  while above > 0 and lines[above]:find('^%s') do
    above = above - 1
  end
  return matches(lines[above], HEADS) and block_start(lines, above) or number
end

--- Where the first of the tracebacks begins that the one at `first` is chained to.
---@param lines string[]
---@param first integer
---@return integer
local function chain_start(lines, first)
  local link = not_blank(lines, first - 1)
  if not matches(lines[link], CHAINS) then
    return first
  end
  local ending = not_blank(lines, link - 1)
  return ending > 0 and chain_start(lines, block_start(lines, ending)) or first
end

--- Where pytest begins to tell of failures, when the one at `first` is among them.
---@param lines string[]
---@param first integer
---@return integer
local function pytest_start(lines, first)
  for number = first, 1, -1 do
    if matches(lines[number], PYTEST_HEADS) then
      return number
    elseif lines[number]:find(PYTEST_END) then
      return first
    end
  end
  return first
end

--- The lines as a program wrote them: a terminal breaks those that are as wide as it is.
---@param lines string[]
---@param width integer
---@return string[]
function M.unwrapped(lines, width)
  local whole, goes_on = {}, false
  for _, line in ipairs(lines) do
    if goes_on then
      whole[#whole] = whole[#whole] .. line
    else
      table.insert(whole, line)
    end
    goes_on = vim.fn.strdisplaywidth(line) == width
  end
  return whole
end

--- The last failure in the lines of a terminal, to their end; nil when none is seen.
---@param lines string[]
---@return string?
function M.last_failure(lines)
  local last = not_blank(lines, #lines)
  for number = last, 1, -1 do
    if matches(lines[number], BEGINNINGS) then
      local first = chain_start(lines, block_start(lines, number))
      first = pytest_start(lines, first)
      return table.concat(vim.list_slice(lines, first, last), '\n')
    end
  end
end

--- The terminal that the user looks at, else the one used last.
---@return integer?
local function terminal()
  if vim.bo.buftype == 'terminal' then
    return vim.api.nvim_get_current_buf()
  end
  local found = vim.tbl_filter(function(info)
    return vim.bo[info.bufnr].buftype == 'terminal'
  end, vim.fn.getbufinfo())
  table.sort(found, function(a, b)
    return a.lastused > b.lastused
  end)
  return found[1] and found[1].bufnr
end

---@return string? report
---@return string? complaint
local function from_terminal()
  local bufnr = terminal()
  if not bufnr then
    return nil, 'there is no terminal buffer; open one with :terminal and let the test fail in it'
  end
  local window = vim.fn.win_findbuf(bufnr)[1]
  local info = window and vim.fn.getwininfo(window)[1]
  local width = info and info.width - info.textoff or vim.o.columns
  local lines = vim.api.nvim_buf_get_lines(bufnr, -MAX_LINES - 1, -1, false)
  local report = M.last_failure(M.unwrapped(lines, width))
  return report, 'no failure is seen in the terminal; select its lines and :Postil locate them'
end

---@return string? report
---@return string? complaint
local function from_quickfix()
  if require('postil.suspects').is_current() then
    return nil, "this quickfix list is Postil's own; :colder goes to the one before"
  end
  local lines = vim.iter(vim.fn.getqflist()):map(function(item)
    local name = item.bufnr > 0 and vim.fn.bufname(item.bufnr) or ''
    return name ~= '' and ('%s:%d: %s'):format(name, item.lnum, item.text) or item.text
  end)
  return lines:join('\n'), 'the quickfix list is empty'
end

--- Where a report can come from besides a register, for completion.
M.sources = { 'clipboard', 'quickfix', 'terminal' }

--- The report that a command means. A range is the report itself.
---@param args vim.api.keyset.create_user_command.command_args
---@param source string a register, or one of `M.sources`; empty for what is at hand
---@return string? report
---@return string? complaint one sentence, when there is none
function M.read(args, source)
  local report, complaint
  if args.range > 0 then
    report = table.concat(vim.api.nvim_buf_get_lines(0, args.line1 - 1, args.line2, false), '\n')
    complaint = 'the selected lines are empty'
  elseif source == 'terminal' or (source == '' and vim.bo.buftype == 'terminal') then
    report, complaint = from_terminal()
  elseif source == 'quickfix' or (source == '' and vim.bo.buftype == 'quickfix') then
    report, complaint = from_quickfix()
  else
    local register = source == 'clipboard' and '+' or source == '' and '"' or source
    if #register ~= 1 then
      return nil,
        ('there is no %s; name a register, clipboard, quickfix or terminal'):format(source)
    end
    report = vim.fn.getreg(register)
    complaint = ('register %s is empty; yank a report first'):format(register)
  end
  if not report or vim.trim(report) == '' then
    return nil, complaint
  end
  return report
end

return M

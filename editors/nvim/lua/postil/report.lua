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
  '^Exception in thread ', -- Java
  '^Caused by: ', '^%s*● ', '^Failures:$', -- JUnit, Jest, RSpec
  '^%S*Error: ', '^Uncaught ', -- JavaScript
  '^==%d+==ERROR', '^Segmentation fault', -- C, C++
}

--- Between two tracebacks of one failure, as Python writes them.
-- stylua: ignore
local CHAINS = {
  '^During handling of the above exception', '^The above exception was the direct cause',
}

---@param line string
---@param patterns string[]
---@return boolean
local function matches(line, patterns)
  return vim.iter(patterns):any(function(pattern)
    return line:find(pattern) ~= nil
  end)
end

--- The last failure in the lines of a terminal; nil when none is seen.
--- An error line that ends a traceback belongs to it, and so do the tracebacks it is chained to.
---@param lines string[]
---@return string?
function M.last_failure(lines)
  local last = #lines
  while last > 0 and vim.trim(lines[last]) == '' do
    last = last - 1
  end
  local first
  for number = last, 1, -1 do
    local line = lines[number]
    if matches(line, BEGINNINGS) then
      first = number
      local is_block = not line:find('^%S*Error: ') and not line:find('^Caused by: ')
      local chained = false
      for before = number - 1, math.max(1, number - 3), -1 do
        chained = chained or matches(lines[before], CHAINS)
      end
      -- pytest's own head is above the tracebacks in it
      local head
      for before = number - 1, 1, -1 do
        if lines[before]:find('^=+ FAILURES =+') or lines[before]:find('^=+ ERRORS =+') then
          head = before
          break
        elseif lines[before]:find('^=+ .* in [%d.]+s') then
          break
        end
      end
      if head then
        first = head
        break
      elseif is_block and not chained then
        break
      end
    end
  end
  return first and table.concat(vim.list_slice(lines, first, last), '\n')
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
  local report = M.last_failure(vim.api.nvim_buf_get_lines(bufnr, -MAX_LINES - 1, -1, false))
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

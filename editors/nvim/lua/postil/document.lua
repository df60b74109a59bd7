--- A trace or a receipt in a float: the thinking can be folded, and references lead to code.
--- Only the server's own list of references makes links; the text of the model never does.

local window = require('postil.window')

local M = {}

---@class (exact) postil.Reference
---@field range lsp.Range in the document's text, in the client's units
---@field target lsp.Location

---@class (exact) postil.Document
---@field uri string
---@field title string
---@field text string
---@field references postil.Reference[]

local namespace = vim.api.nvim_create_namespace('postil.references')

--- Lines (1-based) of the reasoning: below its head, above what the server adds to it.
---@param lines string[]
---@return integer? first
---@return integer? last
local function thinking(lines)
  local first
  for number, line in ipairs(lines) do
    if not first and vim.startswith(line, 'Reasoning (') then
      first = number
    elseif
      first
      and (
        vim.startswith(line, 'Not in what was shown:') or vim.startswith(line, 'Shown to the model')
      )
    then
      return first, number - 2
    end
  end
  return first, first and #lines
end

--- The byte range of a reference in the buffer, nil when it is not in it.
---@param lines string[]
---@param range lsp.Range
---@param encoding 'utf-8'|'utf-16'|'utf-32'
---@return {row: integer, from: integer, to: integer}?
local function place(lines, range, encoding)
  local line = lines[range.start.line + 1]
  if not line or range['end'].line ~= range.start.line then
    return nil
  end
  return {
    row = range.start.line,
    from = vim.str_byteindex(line, encoding, range.start.character, false),
    to = vim.str_byteindex(line, encoding, range['end'].character, false),
  }
end

---@param float postil.Float
---@param document postil.Document
---@param encoding 'utf-8'|'utf-16'|'utf-32'
local function link(float, document, encoding)
  local lines = vim.api.nvim_buf_get_lines(float.buf, 0, -1, false)
  ---@type table<integer, lsp.Location>
  local targets = {}
  for _, reference in ipairs(document.references or {}) do
    local at = place(lines, reference.range, encoding)
    if at and vim.startswith(reference.target.uri, 'file:') then
      local mark = vim.api.nvim_buf_set_extmark(float.buf, namespace, at.row, at.from, {
        end_col = at.to,
        hl_group = 'Underlined',
      })
      targets[mark] = reference.target
    end
  end
  local function follow()
    local row, col = unpack(vim.api.nvim_win_get_cursor(float.win))
    local marks = vim.api.nvim_buf_get_extmarks(
      float.buf,
      namespace,
      { row - 1, col },
      { row - 1, col },
      { overlap = true }
    )
    local target = marks[1] and targets[marks[1][1]]
    if not target then
      require('postil').say('there is no reference here; underlined text is one')
      return
    end
    window.close(float)
    vim.lsp.util.show_document(target, encoding, { focus = true })
  end
  for _, key in ipairs({ '<CR>', 'gf', '<C-]>' }) do
    vim.keymap.set('n', key, follow, { buffer = float.buf, desc = 'Postil: go to the reference' })
  end
  vim.keymap.set('n', '<Tab>', function()
    local row, col = unpack(vim.api.nvim_win_get_cursor(float.win))
    local after = vim.api.nvim_buf_get_extmarks(float.buf, namespace, { row - 1, col + 1 }, -1, {})
    local mark = after[1] or vim.api.nvim_buf_get_extmarks(float.buf, namespace, 0, -1, {})[1]
    if mark then
      vim.api.nvim_win_set_cursor(float.win, { mark[2] + 1, mark[3] })
    end
  end, { buffer = float.buf, desc = 'Postil: to the next reference' })
end

--- Show a document. The thinking is a fold, open: `za` shuts it.
---@param document postil.Document
---@param encoding 'utf-8'|'utf-16'|'utf-32'
---@return postil.Float
function M.show(document, encoding)
  local lines = vim.split(document.text, '\n')
  local float = window.open(document.title, lines, true)
  local first, last = thinking(lines)
  if first and last then
    window.fold(float, first, last)
    vim.api.nvim_win_call(float.win, function()
      vim.cmd('silent normal! zR')
    end)
    window.fit(float)
  end
  link(float, document, encoding)
  return float
end

return M

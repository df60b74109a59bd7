--- Suspects and findings in the quickfix list, with their evidence as text. The list that the
--- deterministic evidence fills is brought up to date when the model's order comes; the cursor
--- stays where it is.

local M = {}

---@class (exact) postil.Evidence
---@field signal string
---@field detail string

---@class (exact) postil.Suspect
---@field uri string
---@field path string
---@field symbol? string
---@field start_line integer
---@field end_line integer
---@field score number
---@field evidence postil.Evidence[]

---@class (exact) postil.Finding
---@field id? string
---@field uri string
---@field path string
---@field symbol? string
---@field start_line integer
---@field end_line integer
---@field cause string
---@field confidence? number
---@field supported? {shown: integer, total: integer}

local TITLE = 'Postil: '
local MAX_REASONS = 3

---@type integer? id of our quickfix list
local list_id
---@type any run of the server that the list shows
local shown_run
local was_opened = false -- later news do not open what the user has closed

---@generic T
---@param value T|userdata|nil
---@return T?
local function known(value)
  return value ~= vim.NIL and value or nil
end

---@param text string
---@return string
local function one_line(text)
  return (text:gsub('%s+', ' '))
end

---@param suspect postil.Suspect
---@param rank integer
---@return vim.quickfix.entry
local function suspect_item(suspect, rank)
  local reasons = vim.iter(suspect.evidence):take(MAX_REASONS):map(function(evidence)
    return evidence.detail
  end)
  return {
    filename = vim.uri_to_fname(suspect.uri),
    lnum = suspect.start_line,
    end_lnum = suspect.end_line,
    type = 'I',
    text = one_line(
      ('%d. %s: %s'):format(rank, known(suspect.symbol) or suspect.path, reasons:join('; '))
    ),
  }
end

---@param finding postil.Finding
---@return vim.quickfix.entry
local function finding_item(finding)
  return {
    filename = vim.uri_to_fname(finding.uri),
    lnum = finding.start_line,
    end_lnum = finding.end_line,
    type = 'W',
    text = one_line(finding.cause),
  }
end

--- Show the list, once, without taking the cursor there. Quickfix windows are entered when opened.
local function open_list()
  if was_opened or not require('postil.window').is_idle() then
    return
  end
  was_opened = true
  local before = vim.api.nvim_get_current_win()
  vim.cmd('botright copen')
  if vim.api.nvim_win_is_valid(before) then
    vim.api.nvim_set_current_win(before)
  end
end

--- Is our list still there? A user's own lists can push it out.
---@return boolean
local function is_known()
  return list_id ~= nil and vim.fn.getqflist({ id = list_id }).id == list_id
end

---@param title string
---@param items vim.quickfix.entry[]
local function fill(title, items)
  if is_known() then
    -- the entry that the user stands on stays the current one, wherever it is now
    local was = vim.fn.getqflist({ id = list_id, idx = 0, items = 0 })
    local current = was.items[was.idx]
    local same
    for number, item in ipairs(items) do
      if current and item.lnum == current.lnum then
        local name = vim.api.nvim_buf_get_name(current.bufnr)
        same = same or (vim.fs.normalize(item.filename) == vim.fs.normalize(name) and number)
      end
    end
    vim.fn.setqflist({}, 'r', { id = list_id, title = TITLE .. title, items = items })
    vim.fn.setqflist({}, 'r', { id = list_id, idx = same or 1 })
  else
    vim.fn.setqflist({}, ' ', { title = TITLE .. title, items = items })
    list_id = vim.fn.getqflist({ id = 0 }).id
  end
  if #items > 0 then
    open_list()
  end
end

---@param suspects postil.Suspect[]
---@param finding? postil.Finding
---@return vim.quickfix.entry[]
local function items_of(suspects, finding)
  local items = finding and { finding_item(finding) } or {}
  for rank, suspect in ipairs(suspects) do
    table.insert(items, suspect_item(suspect, rank))
  end
  return items
end

--- The next run gets a list of its own.
local function begin(run)
  if run == nil or run ~= shown_run then
    list_id = nil
    shown_run = run
    was_opened = false
  end
end

--- Suspects of a running search (postil/suspects): those of the evidence, then the model's order.
---@param params {run: any, suspects: postil.Suspect[], finding?: postil.Finding}
function M.update(params)
  begin(params.run)
  fill('suspects', items_of(params.suspects, known(params.finding)))
end

--- The result of a search.
---@param result table
function M.show(result)
  local finding = known(result.finding)
  begin(known(result.run))
  fill('suspects', items_of(result.suspects, finding))
  local say = require('postil').say
  if finding then
    say(('%s:%d: %s'):format(finding.path, finding.start_line, finding.cause))
  elseif #result.suspects == 0 then
    say('no suspects: ' .. result.without_model)
  else
    local sentence = '%d suspects, no finding: %s'
    say(sentence:format(#result.suspects, result.without_model))
  end
end

--- Findings of a review, as a list of their own.
---@param result {findings: postil.Finding[], hunks: integer, reason: string}
function M.show_findings(result)
  begin(nil)
  local say = require('postil').say
  if #result.findings == 0 then
    say(('%d hunks read, nothing found; %s'):format(result.hunks, result.reason))
    return
  end
  fill('review', vim.iter(result.findings):map(finding_item):totable())
  say(('%d hunks read, %d findings in the quickfix list'):format(result.hunks, #result.findings))
end

--- Is the current quickfix list one of ours?
---@return boolean
function M.is_current()
  return vim.startswith(vim.fn.getqflist({ title = 0 }).title or '', TITLE)
end

--- Empty our list; lists of others are left alone.
function M.clear()
  if is_known() then
    vim.fn.setqflist({}, 'r', { id = list_id, title = TITLE .. 'cleared', items = {} })
  end
  list_id, shown_run = nil, nil
end

return M

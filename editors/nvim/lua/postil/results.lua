--- What each command of the server ends in: a list, a window or one sentence.
--- Menus of code actions run the same commands, and end in the same way.

local M = {}

---@param text string
local function say(text)
  require('postil').say(text)
end

---@generic T
---@param value T|userdata|nil
---@return T?
local function known(value)
  return value ~= vim.NIL and value or nil
end

local function show_edit(_, result)
  local files = result.files == 1 and '1 file' or ('%d files'):format(result.files)
  say(('%s changed, not saved, u undoes it in each: %s'):format(files, result.title))
end

--- Where the cursor's line has no note, the newest is meant.
local function show_document(missing)
  return function(job, result, client)
    local document = known(result)
    if document then
      require('postil.document').show(document, client.offset_encoding)
    elseif job.argument.uri then
      require('postil.jobs').run(job.command, vim.empty_dict())
    else
      say(missing)
    end
  end
end

local function show_text(title)
  return function(_, result)
    require('postil.window').open(title, vim.split(result.text, '\n'), true)
  end
end

local function show_suspects(_, result)
  require('postil.suspects').show(result)
end

local function show_review(_, result)
  require('postil.suspects').show_findings(result)
end

local function show_explanation(job, result)
  local lines = vim.split(result.text, '\n')
  if result.references > 0 then
    local counted = '%d of %d references were shown to the model'
    table.insert(lines, '')
    table.insert(lines, counted:format(result.references_shown, result.references))
  end
  if not require('postil.live').finish(job, lines) then
    require('postil.window').open('Postil: explanation', lines, true)
  end
end

local function show_bug(_, result)
  local finding = known(result.finding)
  if finding then
    say(('%s:%d: %s'):format(finding.path, finding.start_line, finding.cause))
  else
    say('no bug seen: ' .. result.reason)
  end
end

---@type table<string, fun(job: postil.Job, result: any, client: vim.lsp.Client)>
local shows = {
  ['postil.locate'] = show_suspects,
  ['postil.rerun'] = show_suspects,
  ['postil.findBugs'] = show_bug,
  ['postil.review'] = show_review,
  ['postil.explain'] = show_explanation,
  ['postil.fix'] = show_edit,
  ['postil.fixTest'] = show_edit,
  ['postil.simplify'] = show_edit,
  ['postil.extractFunction'] = show_edit,
  ['postil.modernise'] = show_edit,
  ['postil.addTypes'] = show_edit,
  ['postil.document'] = show_edit,
  ['postil.writeTest'] = show_edit,
  ['postil.change'] = show_edit,
  ['postil.rename'] = show_edit,
  ['postil.inline'] = show_edit,
  ['postil.changeSignature'] = show_edit,
  ['postil.split'] = show_edit,
  ['postil.trace'] = show_document('there is no reasoning yet; :Postil locate a report first'),
  ['postil.receipt'] = show_document('nothing has been shown to a model yet'),
  ['postil.dismiss'] = function(_, result)
    say(result.dismissed == 0 and 'there is no note on this line' or 'dismissed')
  end,
  ['postil.clear'] = function()
    require('postil.suspects').clear()
  end,
  ['postil.stop'] = function(_, result)
    say(result.stopped == 0 and 'nothing was running' or ('%d stopped'):format(result.stopped))
  end,
  ['postil.status'] = function(_, result)
    require('postil.window').open('Postil: status', require('postil.status').lines(result), true)
  end,
  ['postil.doctor'] = show_text('Postil: doctor'),
  ['postil.log'] = show_text('Postil: the last questions to the model'),
}

--- The server's commands that this plugin knows.
---@return string[]
function M.commands()
  local names = vim.tbl_keys(shows)
  table.sort(names)
  return names
end

--- Does a model work on this command, so that it takes time and has thinking to show?
---@param command string
---@return boolean
function M.takes_time(command)
  local show = shows[command]
  return show == show_edit
    or show == show_suspects
    or show == show_bug
    or show == show_review
    or show == show_explanation
end

--- A job has been sent: open the window that follows its thinking, where the user wants one.
---@param job postil.Job
function M.begin(job)
  local live = require('postil').config.live
  if not M.takes_time(job.command) or live == 'never' then
    return
  elseif job.command == 'postil.explain' then
    require('postil.live').open(job, true)
  elseif live == 'always' then
    require('postil.live').open(job, false)
  end
end

--- Show the result of a job.
---@param job postil.Job
---@param result any
---@param client vim.lsp.Client
function M.show(job, result, client)
  shows[job.command](job, result, client)
end

return M

--- :Postil and its subcommands: from what the user typed to a command of the server.

local M = {}

---@alias postil.Args vim.api.keyset.create_user_command.command_args

---@class (exact) postil.Subcommand
---@field help string one line, for a bare `:Postil`
---@field command? string the server's command
---@field argument? fun(args: postil.Args, rest: string): table?, string? the argument, or nil and
---  one sentence why there is none
---@field run? fun(args: postil.Args, rest: string) instead of the two above
---@field complete? fun(): string[]

local function none()
  return vim.empty_dict()
end

--- The URI of the buffer, where it is a file's.
---@return string?
local function file_uri()
  if vim.bo.buftype == '' and vim.api.nvim_buf_get_name(0) ~= '' then
    return vim.uri_from_bufnr(0)
  end
end

--- The same, where the file is in a folder that the server has: a log that is open may be anywhere.
---@return string?
local function uri_of_project()
  local uri = file_uri()
  local client = require('postil').running()
  local folders = client and client.workspace_folders or {}
  return uri
      and vim.iter(folders):any(function(folder)
        return vim.startswith(uri, folder.uri:gsub('/$', '') .. '/')
      end)
      and uri
    or nil
end

local NO_FILE = 'this buffer is no file; go to one first'

--- The lines that a command works on: the range, else the line of the cursor.
---@param args postil.Args
---@return table?
---@return string?
local function lines(args)
  local uri = file_uri()
  if not uri then
    return nil, NO_FILE
  end
  return {
    uri = uri,
    version = vim.lsp.util.buf_versions[vim.api.nvim_get_current_buf()],
    first_line = args.line1,
    last_line = args.line2,
  }
end

--- The note at the cursor, or the newest where the buffer is no file.
local function here()
  local uri = file_uri()
  return uri and { uri = uri, line = vim.api.nvim_win_get_cursor(0)[1] } or none()
end

--- The name at the cursor, in the client's units.
---@return table?
---@return string?
local function name_here()
  local uri = file_uri()
  if not uri then
    return nil, NO_FILE
  end
  local client = require('postil').client(vim.api.nvim_get_current_buf())
  if not client then
    return nil -- it has been said
  end
  local position = vim.lsp.util.make_position_params(0, client.offset_encoding).position
  return {
    uri = uri,
    version = vim.lsp.util.buf_versions[vim.api.nvim_get_current_buf()],
    line = position.line,
    character = position.character,
  }
end

--- As `lines`, with what the user says in `key`. `missing`: what to say when nothing is said.
---@param key string
---@param missing? string
local function lines_with(key, missing)
  return function(args, rest)
    if rest == '' and missing then
      return nil, missing
    end
    local argument, complaint = lines(args)
    if argument and rest ~= '' then
      argument[key] = rest
    end
    return argument, complaint
  end
end

local function name_with(key, missing)
  return function(_, rest)
    if rest == '' and missing then
      return nil, missing
    end
    local argument, complaint = name_here()
    if argument and rest ~= '' then
      argument[key] = rest
    end
    return argument, complaint
  end
end

--- What another tool or Postil says about a line; suspects are places to look at, not faults.
---@param line integer
---@return string?
local function said_about(line)
  local found = vim.iter(vim.diagnostic.get(0, { lnum = line - 1 })):find(function(diagnostic)
    return diagnostic.code ~= 'suspect'
  end)
  return found and found.message
end

local function report(args, rest)
  local text, complaint = require('postil.report').read(args, rest)
  return text and { report = text, uri = uri_of_project() }, complaint
end

local function report_sources()
  return require('postil.report').sources
end

--- `:Postil refactor NAME`, by what the user calls it.
---@type table<string, {command: string, argument: fun(args: postil.Args, rest: string): table?, string?}>
M.refactorings = {
  rename = { command = 'postil.rename', argument = name_with('new_name') },
  inline = { command = 'postil.inline', argument = name_here },
  extract = { command = 'postil.extractFunction', argument = lines_with('name') },
  simplify = { command = 'postil.simplify', argument = lines },
  signature = {
    command = 'postil.changeSignature',
    argument = name_with(
      'detail',
      'say what to change: :Postil refactor signature add timeout=10, remove NAME, reorder a, b'
    ),
  },
  modernise = { command = 'postil.modernise', argument = lines },
  types = { command = 'postil.addTypes', argument = lines },
  document = { command = 'postil.document', argument = lines },
  test = { command = 'postil.writeTest', argument = lines },
  split = { command = 'postil.split', argument = lines },
  change = {
    command = 'postil.change',
    argument = lines_with('detail', 'say what to change: :Postil refactor change make this async'),
  },
}

---@return string[]
local function refactoring_names()
  local names = vim.tbl_keys(M.refactorings)
  table.sort(names)
  return names
end

---@type table<string, postil.Subcommand>
M.subcommands = {
  locate = {
    help = 'find the bug that a register, the lines, the quickfix list or a terminal describes',
    command = 'postil.locate',
    argument = report,
    complete = report_sources,
  },
  rerun = { help = 'the last report once more', command = 'postil.rerun', argument = none },
  find = {
    help = 'find a bug in the lines, or in the file',
    command = 'postil.findBugs',
    argument = function(args)
      local argument, complaint = lines(args)
      if argument and args.range == 0 then
        argument.first_line, argument.last_line = nil, nil
      end
      return argument, complaint
    end,
  },
  review = {
    help = 'read what has changed since the last commit',
    command = 'postil.review',
    argument = function(_, rest)
      if rest ~= '' and rest ~= 'file' then
        return nil, 'say :Postil review, or :Postil review file for this file alone'
      elseif rest == 'file' then
        local uri = file_uri()
        return uri and { uri = uri }, NO_FILE
      end
      local client = require('postil').client(vim.api.nvim_get_current_buf())
      return client and { uri = client.root_dir and vim.uri_from_fname(client.root_dir) }
    end,
    complete = function()
      return { 'file' }
    end,
  },
  explain = {
    help = 'explain the lines, or the diagnostic of this line',
    command = 'postil.explain',
    argument = function(args)
      local argument, complaint = lines(args)
      if argument and args.range == 0 then
        argument.detail = said_about(args.line1)
      end
      return argument, complaint
    end,
  },
  fix = {
    help = 'fix the diagnostic of this line, or what the words say',
    run = function(args, rest)
      local detail = rest ~= '' and rest or said_about(args.line1)
      local argument, complaint = lines(args)
      if argument and detail then
        argument.detail = detail
        require('postil.jobs').run('postil.fix', argument, rest ~= '')
      else
        complaint = complaint
          or 'there is no diagnostic on this line; say what is wrong: :Postil fix WORDS'
        require('postil').say(complaint, vim.log.levels.WARN)
      end
    end,
    command = 'postil.fix',
  },
  fixtest = {
    help = 'fix the code that a failing test is about, from its output',
    command = 'postil.fixTest',
    argument = report,
    complete = report_sources,
  },
  refactor = {
    help = 'change code without changing what it does, or as the words say',
    run = function(args, rest)
      local name, detail = rest:match('^(%S*)%s*(.-)$')
      local refactoring = M.refactorings[name]
      if not refactoring then
        local sentence = name == '' and 'name a refactoring: %s'
          or 'there is no refactoring %s; try: %s'
        local names = table.concat(refactoring_names(), ', ')
        local text = name == '' and sentence:format(names) or sentence:format(name, names)
        require('postil').say(text, vim.log.levels.WARN)
        return
      end
      M.start(refactoring.command, refactoring.argument, args, detail)
    end,
    complete = refactoring_names,
  },
  trace = {
    help = 'the reasoning: of the running job, of the note here, else the newest',
    command = 'postil.trace',
    run = function()
      local running = require('postil.jobs').running
      if #running > 0 then
        require('postil.live').open(running[#running], true)
      else
        require('postil.jobs').run('postil.trace', here())
      end
    end,
  },
  why = {
    help = 'which code the model was shown, and why',
    command = 'postil.receipt',
    argument = here,
  },
  dismiss = { help = 'take the note here away', command = 'postil.dismiss', argument = here },
  clear = { help = 'take all notes away', command = 'postil.clear', argument = none },
  stop = {
    help = 'stop what is running',
    command = 'postil.stop',
    run = function()
      local stopped = require('postil.jobs').cancel_all()
      if stopped > 0 then
        require('postil').say(('%d stopped'):format(stopped))
      else
        require('postil.jobs').run('postil.stop', none())
      end
    end,
  },
  status = { help = 'what the server is doing', command = 'postil.status', argument = none },
  doctor = {
    help = 'what works here, and what would fix the rest',
    command = 'postil.doctor',
    argument = none,
  },
  log = { help = 'what the model was asked lately', command = 'postil.log', argument = none },
  restart = {
    help = 'stop the server and start it again',
    run = function()
      require('postil.client').restart()
    end,
  },
}

---@param command string
---@param argument_of fun(args: postil.Args, rest: string): table?, string?
---@param args postil.Args
---@param rest string
function M.start(command, argument_of, args, rest)
  local argument, complaint = argument_of(args, rest)
  if argument then
    require('postil.jobs').run(command, argument)
  elseif complaint then
    require('postil').say(complaint, vim.log.levels.WARN)
  end
end

--- What a bare `:Postil` shows.
---@return string[]
local function overview()
  local shown = {}
  for name, subcommand in vim.spairs(M.subcommands) do
    table.insert(shown, (':Postil %-9s %s'):format(name, subcommand.help))
  end
  return vim.list_extend(shown, { '', 'Refactorings: ' .. table.concat(refactoring_names(), ', ') })
end

---@param args postil.Args
function M.run(args)
  local name, rest = args.args:match('^(%S*)%s*(.-)$')
  local subcommand = M.subcommands[name]
  if name == '' then
    require('postil.window').open('Postil (q closes)', overview(), true)
  elseif M.refactorings[name] then
    local sentence = 'that is a refactoring: :Postil refactor %s'
    require('postil').say(sentence:format(name), vim.log.levels.WARN)
  elseif not subcommand then
    local known = table.concat(M.complete('', 'Postil '), ', ')
    local sentence = ('there is no subcommand %s; try: %s'):format(name, known)
    require('postil').say(sentence, vim.log.levels.ERROR)
  elseif subcommand.run then
    subcommand.run(args, rest)
  else
    M.start(subcommand.command, subcommand.argument, args, rest)
  end
end

--- What can stand at the end of the command line.
---@param lead string
---@param line string
---@return string[]
function M.complete(lead, line)
  local words = vim.split(vim.trim(line:match('Postil.*') or line), '%s+')
  local position = #words + (lead == '' and 1 or 0)
  local names = {}
  if position <= 2 then
    names = vim.tbl_keys(M.subcommands)
  elseif position == 3 then
    local subcommand = M.subcommands[words[2]]
    names = subcommand and subcommand.complete and vim.list_slice(subcommand.complete()) or {}
  end
  names = vim.tbl_filter(function(name)
    return vim.startswith(name, lead)
  end, names)
  table.sort(names)
  return names
end

--- The server's command behind each subcommand; a refactoring is `refactor NAME`.
---@return table<string, string>
function M.table()
  local found = {}
  for name, subcommand in pairs(M.subcommands) do
    found[name] = subcommand.command
  end
  for name, refactoring in pairs(M.refactorings) do
    found['refactor ' .. name] = refactoring.command
  end
  return found
end

return M

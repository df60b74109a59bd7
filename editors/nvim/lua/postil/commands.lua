--- :Postil and its subcommands.

local M = {}
local postil = require('postil')

---@param text string
local function say(text, level)
  vim.notify('postil: ' .. text, level or vim.log.levels.INFO)
end

--- Run a server command; errors become one message.
---@param command string
---@param argument table
---@param on_result fun(result: any)
local function execute(command, argument, on_result)
  local bufnr = vim.api.nvim_get_current_buf()
  local client = postil.client(bufnr)
  if not client then
    return
  end
  client:request('workspace/executeCommand', { command = command, arguments = { argument } }, function(err, result)
    if err then
      say(err.message, vim.log.levels.ERROR)
    else
      on_result(result)
    end
  end, bufnr)
end

---@param title string
---@param lines string[]
local function float(title, lines)
  local buf = vim.api.nvim_create_buf(false, true)
  vim.api.nvim_buf_set_lines(buf, 0, -1, false, lines)
  vim.bo[buf].modifiable = false
  vim.bo[buf].bufhidden = 'wipe'
  local width = math.min(100, vim.o.columns - 4)
  local height = math.max(1, math.min(#lines, vim.o.lines - 6))
  vim.api.nvim_open_win(buf, true, {
    relative = 'editor', row = 2, col = 2, width = width, height = height, border = 'rounded', title = ' ' .. title .. ' ',
  })
  vim.wo.wrap = true
  vim.keymap.set('n', 'q', '<cmd>close<cr>', { buffer = buf })
end

--- Suspects into the quickfix list, with their evidence as text.
---@param result table
local function show_suspects(result)
  local items = {}
  for rank, suspect in ipairs(result.suspects) do
    local why = suspect.evidence[1] and suspect.evidence[1].detail or ''
    table.insert(items, {
      filename = vim.uri_to_fname(suspect.uri), lnum = suspect.start_line, type = 'I',
      text = ('%d. %s: %s'):format(rank, suspect.symbol ~= vim.NIL and suspect.symbol or suspect.path, why),
    })
  end
  vim.fn.setqflist({}, ' ', { title = 'Postil: suspects', items = items })
  if #items > 0 then
    vim.cmd('botright copen')
    vim.cmd('wincmd p')
  end
  if result.finding ~= vim.NIL and result.finding then
    say(('%s:%d: %s'):format(result.finding.path, result.finding.start_line, result.finding.cause))
  else
    say(('%d suspects; no finding by a model: %s'):format(#items, result.without_model))
  end
end

---@param report string
function M.locate(report)
  execute('postil.locate', { report = report, uri = vim.uri_from_bufnr(0) }, show_suspects)
end

--- The lines that a command works on, as the server takes them.
local function target(args)
  local first, last = args.line1, args.line2
  local bufnr = vim.api.nvim_get_current_buf()
  return {
    uri = vim.uri_from_bufnr(bufnr), version = vim.lsp.util.buf_versions[bufnr], first_line = first, last_line = last,
  }
end

---@param command string
local function edit(command, args, detail)
  local argument = target(args)
  argument.detail = detail
  execute(command, argument, function(result)
    say(('%s (%d file(s) changed, undo with u)'):format(result.title, result.files))
  end)
end

---@type table<string, fun(args: table, rest: string)>
M.subcommands = {
  locate = function(args, rest)
    if args.range > 0 then
      M.locate(table.concat(vim.api.nvim_buf_get_lines(0, args.line1 - 1, args.line2, false), '\n'))
    else
      M.locate(vim.fn.getreg(rest ~= '' and rest:sub(1, 1) or '"'))
    end
  end,
  find = function(args)
    execute('postil.findBugs', target(args), function(result)
      say(result.finding ~= vim.NIL and result.finding and result.finding.cause or ('no bug seen: ' .. result.reason))
    end)
  end,
  explain = function(args)
    local argument = target(args)
    if args.range == 0 then
      local diagnostic = vim.diagnostic.get(0, { lnum = args.line1 - 1 })[1]
      argument.detail = diagnostic and diagnostic.message or nil
    end
    execute('postil.explain', argument, function(result)
      local lines = vim.split(result.text, '\n')
      if result.references > 0 then
        table.insert(lines, '')
        table.insert(lines, ('%d of %d references were shown to the model'):format(result.references_shown, result.references))
      end
      float('Postil: explanation', lines)
    end)
  end,
  fix = function(args, rest)
    local lnum = args.line1 - 1
    local diagnostic = vim.iter(vim.diagnostic.get(0, { lnum = lnum })):find(function(d)
      return d.code ~= 'suspect'
    end)
    local detail = rest ~= '' and rest or (diagnostic and diagnostic.message)
    if not detail then
      say('there is no diagnostic on this line; say what is wrong: :Postil fix TEXT', vim.log.levels.WARN)
      return
    end
    edit('postil.fix', args, detail)
  end,
  simplify = function(args) edit('postil.simplify', args) end,
  extract = function(args) edit('postil.extractFunction', args) end,
  change = function(args, rest) edit('postil.change', args, rest) end,
  trace = function()
    execute('postil.trace', { uri = vim.uri_from_bufnr(0), line = vim.api.nvim_win_get_cursor(0)[1] }, function(text)
      if text == '' then
        say('there is no trace yet')
      else
        float('Postil: reasoning', vim.split(text, '\n'))
      end
    end)
  end,
  clear = function()
    execute('postil.clear', vim.empty_dict(), function() vim.fn.setqflist({}, 'r', { title = 'Postil', items = {} }) end)
  end,
  status = function()
    execute('postil.status', vim.empty_dict(), function(result)
      float('Postil: status', vim.split(vim.inspect(result), '\n'))
    end)
  end,
}

function M.run(args)
  local name, rest = args.args:match('^(%S*)%s*(.-)$')
  local subcommand = M.subcommands[name]
  if not subcommand then
    say(('there is no subcommand %q; try: %s'):format(name, table.concat(M.complete(''), ', ')), vim.log.levels.ERROR)
    return
  end
  subcommand(args, rest)
end

---@param lead string
---@return string[]
function M.complete(lead)
  local names = vim.tbl_filter(function(name)
    return vim.startswith(name, lead)
  end, vim.tbl_keys(M.subcommands))
  table.sort(names)
  return names
end

return M

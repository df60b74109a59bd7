--- Asks before an edit lands, and shows it: Neovim itself applies edits that need confirmation
--- without asking, and edits of a buffer that has changed without a word.

local window = require('postil.window')

local M = {}

local LOOK_MS = 100 -- there is no event for keys that were typed and not yet read; a guess
local is_asking = false

---@class (exact) postil.FileEdit
---@field uri string
---@field is_new boolean
---@field version? integer
---@field edits lsp.TextEdit[]

--- The edit, file by file; nil and a reason when there is something in it that is not applied.
---@param edit lsp.WorkspaceEdit
---@return postil.FileEdit[]?
---@return string?
local function by_file(edit)
  local files, created = {}, {}
  for _, change in ipairs(edit.documentChanges or {}) do
    if change.kind == 'create' then
      -- Neovim would empty a file that is there
      local name = vim.uri_to_fname(change.uri)
      if vim.uv.fs_stat(name) or vim.fn.bufloaded(name) == 1 then
        return nil, vim.fs.basename(name) .. ' is there already'
      end
      created[change.uri] = true
    elseif change.kind then
      return nil, 'files are not renamed and not deleted by an edit'
    else
      local document = change.textDocument
      table.insert(files, {
        uri = document.uri,
        is_new = created[document.uri] == true,
        version = document.version ~= vim.NIL and document.version or nil,
        edits = change.edits,
      })
    end
  end
  for uri, edits in pairs(edit.changes or {}) do
    table.insert(files, { uri = uri, is_new = false, edits = edits })
  end
  return files
end

--- Why an edit is given, each reason once.
---@param edit lsp.WorkspaceEdit
---@return string[] reasons
---@return boolean needs_confirmation
local function annotations(edit)
  local reasons, needed = {}, false
  for _, annotation in vim.spairs(edit.changeAnnotations or {}) do
    needed = needed or annotation.needsConfirmation == true
    if not vim.list_contains(reasons, annotation.label) then
      table.insert(reasons, annotation.label)
    end
  end
  return reasons, needed
end

--- The file whose buffer is not what the edit was made for; nil when there is none.
---@param files postil.FileEdit[]
---@return string?
local function stale(files)
  for _, file in ipairs(files) do
    local name = vim.uri_to_fname(file.uri)
    local version = file.version and vim.lsp.util.buf_versions[vim.uri_to_bufnr(file.uri)]
    -- without a version the server has read the file, and not a buffer that is not saved
    local is_unseen = not file.version
      and vim.fn.bufloaded(name) == 1
      and vim.bo[vim.fn.bufnr(name)].modified
    if is_unseen or (version and version ~= file.version) then
      return vim.fs.basename(name)
    end
  end
end

---@param file postil.FileEdit
---@return string[]
local function lines_of(file)
  if file.is_new then
    return {}
  end
  local bufnr = vim.fn.bufadd(vim.uri_to_fname(file.uri))
  vim.fn.bufload(bufnr)
  return vim.api.nvim_buf_get_lines(bufnr, 0, -1, false)
end

--- What the edit does to one file, as a unified diff.
---@param file postil.FileEdit
---@param encoding 'utf-8'|'utf-16'|'utf-32'
---@return string[]
local function diff(file, encoding)
  local before = lines_of(file)
  local scratch = vim.api.nvim_create_buf(false, true)
  vim.api.nvim_buf_set_lines(scratch, 0, -1, false, before)
  vim.lsp.util.apply_text_edits(vim.deepcopy(file.edits), scratch, encoding)
  local after = vim.api.nvim_buf_get_lines(scratch, 0, -1, false)
  if file.is_new and after[#after] == '' then
    table.remove(after) -- the empty line that every buffer has to begin with
  end
  vim.api.nvim_buf_delete(scratch, { force = true })
  local text =
    vim.diff(table.concat(before, '\n') .. '\n', table.concat(after, '\n') .. '\n', { ctxlen = 3 })
  local name = vim.fn.fnamemodify(vim.uri_to_fname(file.uri), ':~:.')
  local lines = vim.split(vim.trim(text --[[@as string]]), '\n')
  table.insert(lines, 1, ('--- %s%s'):format(name, file.is_new and ' (a new file)' or ''))
  return lines
end

--- Wait until the user can be asked: not while they type, in which there may be a `y`.
--- Neovim handles each request of a server in a coroutine of its own; where this is none, false.
---@return boolean
local function wait_until_idle()
  local co, is_main = coroutine.running()
  while is_asking or not window.is_idle() or vim.fn.getchar(1) ~= 0 do
    if not co or is_main then
      return false
    end
    vim.defer_fn(function()
      assert(coroutine.resume(co))
    end, LOOK_MS)
    coroutine.yield()
  end
  return true
end

--- Scroll the diff until the user says yes or no. `<C-c>` and `<Esc>` are no.
---@param float postil.Float
---@return boolean
local function decide(float)
  vim.cmd.redraw()
  repeat -- what was typed before anybody could see the question
    local ok, key = pcall(vim.fn.getcharstr, 0)
  until ok and key == ''
  local scrolls = { j = '\5', k = '\25', ['\4'] = '\4', ['\21'] = '\21', [' '] = '\6' }
  while true do
    vim.cmd.redraw()
    local ok, key = pcall(vim.fn.getcharstr)
    if not ok or key == 'n' or key == 'N' or key == 'q' or key == '\27' or key == '\3' then
      return false
    elseif key == 'y' or key == 'Y' then
      return true
    elseif scrolls[key] and window.is_open(float) then
      vim.api.nvim_win_call(float.win, function()
        vim.cmd('silent! normal! ' .. scrolls[key])
      end)
    end
  end
end

--- Show what an edit does and ask for it.
---@param title string
---@param files postil.FileEdit[]
---@param reasons string[]
---@param encoding 'utf-8'|'utf-16'|'utf-32'
---@return boolean
local function ask(title, files, reasons, encoding)
  local lines = vim.list_slice(reasons)
  for _, file in ipairs(files) do
    table.insert(lines, '')
    vim.list_extend(lines, diff(file, encoding))
  end
  local n_files = #files == 1 and '1 file' or ('%d files'):format(#files)
  local head = ('%s: change %s?  y yes, n no, j k scroll'):format(title, n_files)
  -- a reason with a line break in it must not break the window
  lines = vim.split(table.concat(lines, '\n'), '\n')
  local float = window.open(head, lines, false)
  vim.bo[float.buf].syntax = 'diff'
  is_asking = true
  local ok, yes = pcall(decide, float)
  is_asking = false
  window.close(float)
  vim.cmd.redraw()
  if not ok then
    error(yes, 0)
  end
  return yes
end

--- The files of an edit that can be applied as things are now; nil and a reason when it cannot.
---@param edit lsp.WorkspaceEdit
---@param client vim.lsp.Client
---@return postil.FileEdit[]?
---@return string?
local function applicable(edit, client)
  if client:is_stopped() then
    return nil, 'the server has ended'
  end
  local files, refusal = by_file(edit)
  local changed = files and stale(files)
  if changed then
    return nil, changed .. ' has changed since'
  end
  return files, refusal
end

---@param _ lsp.ResponseError?
---@param params lsp.ApplyWorkspaceEditParams
---@param ctx lsp.HandlerContext
---@return lsp.ApplyWorkspaceEditResult
function M.apply_handler(_, params, ctx)
  local client = assert(vim.lsp.get_client_by_id(ctx.client_id))
  local files, refusal = applicable(params.edit, client)
  local reasons, needed = annotations(params.edit)
  local always = require('postil').config.confirm == 'always'
  if files and (needed or always or require('postil.jobs').asks(client.id)) then
    if not wait_until_idle() then
      return { applied = false, failureReason = 'you were typing; ask again' }
    end
    files, refusal = applicable(params.edit, client)
    if files and not ask(params.label or 'Postil', files, reasons, client.offset_encoding) then
      return { applied = false, failureReason = 'you said no' }
    elseif files then
      -- the question waited, and a formatter or another program did not
      files, refusal = applicable(params.edit, client)
    end
  end
  if not files then
    return { applied = false, failureReason = refusal }
  end
  local ok, problem = pcall(vim.lsp.util.apply_workspace_edit, params.edit, client.offset_encoding)
  return { applied = ok, failureReason = not ok and tostring(problem) or nil }
end

return M

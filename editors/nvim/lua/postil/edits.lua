--- Neovim applies edits that need confirmation without asking: this asks first.

local M = {}

--- Labels of the annotations in an edit that need confirmation, each once.
---@param edit lsp.WorkspaceEdit
---@return string[]
function M.to_confirm(edit)
  local labels, seen = {}, {}
  for _, annotation in pairs(edit.changeAnnotations or {}) do
    if annotation.needsConfirmation and not seen[annotation.label] then
      seen[annotation.label] = true
      table.insert(labels, annotation.label)
    end
  end
  return labels
end

--- Ask the user, when the edit says that it must be asked for.
---@param edit lsp.WorkspaceEdit
---@return boolean
function M.confirmed(edit)
  local labels = M.to_confirm(edit)
  if #labels == 0 then
    return true
  end
  local files = #(edit.documentChanges or {})
  local question = ('Postil would change %d files:\n%s\nApply?'):format(files, table.concat(labels, '\n'))
  return vim.fn.confirm(question, '&Yes\n&No', 2) == 1
end

---@type lsp.Handler
function M.apply_handler(err, params, ctx)
  if params and not M.confirmed(params.edit) then
    return { applied = false, failureReason = 'the user said no' }
  end
  return vim.lsp.handlers['workspace/applyEdit'](err, params, ctx)
end

return M

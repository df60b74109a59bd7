-- With the scripted model: a change over two files from a menu and by command, shown first, refused
-- once, applied, undone; what is typed meanwhile makes it stale.
local steps = dofile(vim.fs.joinpath(vim.fs.dirname(_G.arg[0]), 'steps.lua'))
local folder = _G.arg[1]
local client = steps.attach(folder .. '/caller.py')
local before = steps.text()

local function change()
  vim.cmd('4,5Postil refactor change rename old_rate to rate everywhere')
end

local asked = steps.answer('n')
change()
steps.said('you said no')
steps.check('the number of files is said', (asked.title or ''):find('change 2 files?', 1, true))
steps.check('the reason is shown', (asked.text or ''):find('is called rate now', 1, true))
steps.check(
  'the change is shown',
  (asked.text or ''):find('+    return rate()', 1, true),
  asked.text
)
steps.check('and that of the other file', (asked.text or ''):find('+def rate():', 1, true))
steps.check('a no changes nothing', steps.text() == before)

steps.forget()
steps.answer('y')
change()
steps.said('2 files changed')
steps.check('this file changed', steps.text():find('return rate()', 1, true))
local other = vim.fn.bufnr(folder .. '/rates.py')
steps.check('the other changed', other > 0 and steps.text(other):find('def rate()', 1, true))
local on_disk = table.concat(vim.fn.readfile(folder .. '/rates.py'), '\n')
steps.check('nothing is written yet', on_disk:find('def old_rate()', 1, true))
vim.cmd('silent undo')
steps.check('undo works here', steps.text() == before)
vim.api.nvim_buf_call(other, function()
  vim.cmd('silent undo')
end)
steps.check('undo works there', steps.text(other):find('def old_rate()', 1, true))

-- from the menu of code actions: the same edit must be asked for as well
vim.api.nvim_buf_set_lines(0, -1, -1, false, { '# postil: rename old_rate everywhere' })
steps.forget()
asked = steps.answer('n')
vim.lsp.buf.code_action({
  range = { start = { 4, 0 }, ['end'] = { 6, 20 } },
  filter = function(action)
    return action.title:find('change as I say', 1, true) ~= nil
  end,
  apply = true,
})
steps.said('you said no')
steps.check('a menu asks, too', (asked.title or ''):find('change 2 files?', 1, true))

-- typed while the model works: the edit is for a text that is gone
steps.forget()
change()
vim.api.nvim_buf_set_lines(0, 0, 0, false, { '# typed meanwhile' })
steps.said('changed')
steps.check('a stale edit is not applied', not steps.text():find('return rate()', 1, true))
steps.done(client)

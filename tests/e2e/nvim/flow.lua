-- With a scripted model that takes its time: a report, its suspects, the model's thinking as it comes,
-- the finding, its reasoning with places to go to, a change of two files, and back.
local steps = dofile(vim.fs.joinpath(vim.fs.dirname(_G.arg[0]), 'steps.lua'))
local folder = _G.arg[1]
local client = steps.attach(folder .. '/caller.py')
local code = vim.api.nvim_get_current_win()
local before = steps.text()

-- locate: suspects at once, in a list that does not take the cursor
vim.api.nvim_win_set_cursor(0, { 2, 0 })
vim.fn.setreg('"', vim.fn.readfile(folder .. '/report.txt'))
vim.cmd('Postil locate')
local list
steps.check(
  'suspects come before the model is done',
  steps.wait(30, function()
    list = vim.fn.getqflist()
    return #list > 0
  end)
)
steps.check('the model still works', #require('postil.jobs').running == 1)
steps.check('no finding yet', list[1].type == 'I', list[1].text)
steps.check(
  'evidence is text',
  list[1].text:find('1. pay: the innermost frame of the trace', 1, true),
  list[1].text
)
steps.check(
  'the cursor stays',
  vim.api.nvim_get_current_win() == code and vim.api.nvim_win_get_cursor(0)[1] == 2
)
steps.check('the list is seen', vim.fn.getqflist({ winid = 0 }).winid > 0)
steps.check(
  'the statusline says so',
  steps.wait(10, function()
    return require('postil').statusline():find('locating', 1, true)
  end),
  require('postil').statusline()
)

-- the thinking, as it comes
vim.cmd('Postil trace')
local live = steps.float('The report says')
local n_bytes = #live.text
steps.check(
  'it grows',
  steps.wait(20, function()
    return #steps.text(live.buf) > n_bytes + 20
  end)
)
steps.check('and is not ended', #require('postil.jobs').running == 1)
vim.api.nvim_feedkeys('q', 'xt', false)
steps.check('q closes it', not vim.api.nvim_win_is_valid(live.win))
steps.check('the job goes on', #require('postil.jobs').running == 1)
vim.fn.setqflist({}, 'r', { idx = 2 })

steps.said('caller.py:6: The rate in rates.py gives 3.', 60)
list = vim.fn.getqflist()
steps.check('the finding is first', list[1].type == 'W' and list[1].lnum == 6, list[1].text)
local current = list[vim.fn.getqflist({ idx = 0 }).idx]
steps.check(
  'the entry stays the current one',
  current.text:find('2. old_rate', 1, true),
  current.text
)
steps.check(
  'the cursor stays',
  vim.api.nvim_get_current_win() == code and vim.api.nvim_win_get_cursor(0)[1] == 2
)
steps.check(
  'it is a diagnostic',
  vim.iter(vim.diagnostic.get(0)):any(function(d)
    return d.code == 'finding' and d.lnum == 5
  end)
)

-- hover behind a character outside the basic plane
vim.api.nvim_win_set_cursor(0, { 6, 32 })
vim.lsp.buf.hover()
local hover = steps.float('Reasoning (elicited')
vim.api.nvim_win_close(hover.win, true)

-- the trace: a fold, and references that lead to code
vim.cmd('Postil trace')
local trace = steps.float('Shown to the model')
steps.check('it is entered', vim.api.nvim_get_current_win() == trace.win)
local head
for number, line in ipairs(vim.api.nvim_buf_get_lines(trace.buf, 0, -1, false)) do
  head = head or (vim.startswith(line, 'Reasoning (') and number)
end
steps.check('the thinking is a fold', vim.fn.foldlevel(head) == 1 and vim.fn.foldclosed(head) == -1)
vim.cmd(('normal! %dGza'):format(head))
steps.check('that shuts', vim.fn.foldclosed(head) == head)
vim.cmd('normal! zR')
vim.api.nvim_win_set_cursor(0, { head, 0 })
vim.api.nvim_feedkeys('\r', 'xt', false)
steps.said('there is no reference here')
local function jump_to(word)
  vim.fn.search('\\V' .. word, 'w')
  vim.api.nvim_feedkeys('gf', 'xt', false)
end
jump_to('new_rate')
steps.check('what was not shown is no reference', vim.api.nvim_win_is_valid(trace.win))
vim.api.nvim_win_set_cursor(0, { 1, 0 })
vim.api.nvim_feedkeys('\t', 'xt', false)
steps.check(
  '<Tab> goes to a reference',
  vim.fn.expand('<cword>') == 'pay',
  vim.fn.expand('<cword>')
)
jump_to('rates.py:1')
steps.check('the window is closed', not vim.api.nvim_win_is_valid(trace.win))
steps.check(
  'and the code is there',
  vim.api.nvim_buf_get_name(0):find('rates.py', 1, true),
  vim.api.nvim_buf_get_name(0)
)
vim.cmd('buffer caller.py')

vim.api.nvim_win_set_cursor(0, { 6, 4 })
vim.cmd('Postil why')
local why = steps.float('Shown to the model, in this order')
vim.api.nvim_win_close(why.win, true)

vim.api.nvim_win_set_cursor(0, { 1, 0 })
vim.cmd('Postil trace')
local newest = steps.float('Reasoning (elicited')
steps.check('away from a note, the newest is shown', newest.text == trace.text)
vim.api.nvim_win_close(newest.win, true)

-- a change of two files
local asked = steps.answer('y')
vim.cmd('5,6Postil refactor change say rate instead of old_rate everywhere')
steps.said('2 files changed', 60)
steps.check(
  'it was asked for with a diff',
  (asked.text or ''):find('+def rate():', 1, true),
  asked.text
)
steps.check('this file changed', steps.text():find('return rate()', 1, true))
vim.cmd('silent undo')
steps.check('undo', steps.text() == before)
vim.api.nvim_buf_call(vim.fn.bufnr('rates.py'), function()
  vim.cmd('silent undo')
end)

-- explain: the window opens at once, and the thinking folds when the answer is there
vim.cmd('6Postil explain')
local window = steps.float('Thinking')
steps.check('it is entered', vim.api.nvim_get_current_win() == window.win)
steps.check(
  'the answer stands under the folded thinking',
  steps.wait(60, function()
    return steps.text(window.buf):find('which is 3', 1, true)
      and #require('postil.jobs').running == 0
  end),
  steps.text(window.buf)
)
steps.check('the thinking is shut', vim.fn.foldclosed(1) == 1 and vim.fn.foldclosedend(1) > 3)
local last = vim.api.nvim_buf_line_count(window.buf)
steps.check('the answer is not', vim.fn.foldclosed(last) == -1)
steps.check(
  'references are counted',
  steps.text(window.buf):find('references were shown to the model', 1, true)
)
vim.cmd('close')

-- stopped from its window
steps.forget()
vim.cmd('6Postil explain')
window = steps.float('The report says')
vim.api.nvim_feedkeys(vim.keycode('<C-c>'), 'xt', false)
steps.said('stopped')
steps.check('the window is closed', not vim.api.nvim_win_is_valid(window.win))
steps.check('nothing runs', #require('postil.jobs').running == 0)

for _, report in ipairs({ 'status', 'log' }) do
  vim.cmd('Postil ' .. report)
  local shown = steps.float('Postil: ')
  steps.check(report .. ' has text', #shown.text > 20, shown.text)
  vim.api.nvim_win_close(shown.win, true)
end
vim.api.nvim_win_set_cursor(0, { 6, 4 })
vim.cmd('Postil clear')
steps.check(
  'clear takes the diagnostics',
  steps.wait(10, function()
    return #vim.diagnostic.get(nil) == 0
  end)
)
steps.check(
  'and empties the list',
  steps.wait(10, function()
    return #vim.fn.getqflist() == 0
  end)
)
vim.fn.setqflist({}, ' ', { title = 'mine', items = { { text = 'mine' } } })
vim.cmd('Postil clear')
vim.cmd('Postil stop')
steps.said('nothing was running')
steps.check("but not a user's own", #vim.fn.getqflist() == 1)
steps.done(client)

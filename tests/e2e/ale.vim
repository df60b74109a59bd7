" Postil in Vim with ALE: what a user does. vim -Nu vimrc -es -S ale.vim FOLDER/caller.py
let s:lines = []
function! s:wait(seconds, condition) abort
  let l:begun = reltime()
  while !a:condition() && reltimefloat(reltime(l:begun)) < a:seconds
    sleep 20m
  endwhile
  return a:condition()
endfunction
function! s:check(name, ok, ...) abort
  call add(s:lines, (a:ok ? 'ok ' : 'FAILED ') . a:name . (a:0 ? ' -- ' . string(a:1) : ''))
endfunction
function! s:said(buffer) abort
  return map(copy(get(get(g:ale_buffer_info, a:buffer, {}), 'loclist', [])), {_, item -> item.text})
endfunction
" Run the code action with these words, over the lines that were last selected.
function! s:act(words) abort
  let g:items = []
  call ale#codefix#Execute(1, {data, items -> extend(g:, {'data': data, 'items': items})})
  call s:wait(20, {-> !empty(g:items)})
  let l:titles = map(copy(g:items), {_, item -> item[1].title})
  let l:found = filter(copy(g:items), {_, item -> stridx(item[1].title, a:words) >= 0})
  call s:check('the menu has ' . a:words, len(l:found) == 1, l:titles)
  if len(l:found) == 1
    call ale#codefix#ApplyLSPCodeAction(g:data, l:found[0][1])
  endif
endfunction

let s:caller = bufnr('%')
ALELint
edit report.txt
ALELint
" the whole report, selected
call setpos("'<", [0, 1, 1, 0])
call setpos("'>", [0, line('$'), len(getline('$')), 0])
call s:act('locate the bug described')
call s:check('the finding is a diagnostic',
\ s:wait(30, {-> match(s:said(s:caller), 'gives 3') >= 0}), s:said(s:caller))

execute 'buffer' s:caller
let g:ale_hover_to_preview = 1
let g:ale_floating_preview = 0
call cursor(6, 20)
ALEHover
call s:wait(20, {-> winnr('$') > 1})
let s:preview = filter(range(1, winnr('$')), {_, window -> getwinvar(window, '&previewwindow')})
let s:shown = len(s:preview) ? join(getbufline(winbufnr(s:preview[0]), 1, '$'), "\n") : ''
call s:check('hover shows the reasoning', stridx(s:shown, 'Reasoning (elicited') >= 0, s:shown)
pclose

call setpos("'<", [0, 5, 1, 0])
call setpos("'>", [0, 6, len(getline(6)), 0])
call s:act('change as I say')
call s:check('this file changed',
\ s:wait(30, {-> stridx(join(getbufline(s:caller, 1, '$')), 'return rate()') >= 0}))
call s:check('the other changed', s:wait(10, {-> match(readfile('rates.py'), 'def rate()') >= 0
\ || match(getbufline('rates.py', 1, '$'), 'def rate()') >= 0}))
call writefile(s:lines, $POSTIL_TEST_OUTPUT)
ALEStopAllLSPs
qall!

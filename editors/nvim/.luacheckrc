std = 'luajit'
globals = { 'vim' } -- its fields are options, which are set
max_line_length = 120
max_comment_line_length = 200

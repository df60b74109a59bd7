(function_definition name: (word) @function.exact) @function
(command name: (command_name (word) @call))
(command name: (command_name (word) @_source (#any-of? @_source "source" ".")) . argument: (_) @import.module) @import
(string) @literal
(raw_string) @literal
(ansi_c_string) @literal
(heredoc_body) @literal

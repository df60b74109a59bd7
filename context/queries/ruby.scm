(class name: (_) @type.name) @type
(module name: (_) @type.name) @type
(assignment left: (constant) @type.name right: (call receiver: (constant) @_maker (#any-of? @_maker "Struct" "Class" "Module" "Data") method: (identifier) @_new (#any-of? @_new "new" "define"))) @type
(method name: (_) @function.exact) @function
(singleton_method name: (_) @function.exact) @function
(call method: (identifier) @_define (#eq? @_define "define_method") arguments: (argument_list . (simple_symbol) @function.name)) @function
(superclass (constant) @base)
(superclass (scope_resolution name: (constant) @base))
(call !receiver method: (identifier) @_mix (#any-of? @_mix "include" "extend" "prepend") arguments: (argument_list (constant) @base))
(call !receiver method: (identifier) @_mix (#any-of? @_mix "include" "extend" "prepend") arguments: (argument_list (scope_resolution name: (constant) @base)))
(call method: (_) @call)
(body_statement (identifier) @call)
(call !receiver method: (identifier) @_load (#any-of? @_load "require" "require_relative" "load" "autoload") arguments: (argument_list (string (string_content) @import.module))) @import
(string) @literal
(heredoc_content) @literal
(assignment left: (constant) @function.name right: (lambda)) @function

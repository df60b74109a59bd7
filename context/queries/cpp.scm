(function_definition declarator: (_) @function.declarator) @function
(class_specifier name: (_) @type.name body: (_)) @type
(struct_specifier name: (_) @type.name body: (_)) @type
(union_specifier name: (_) @type.name body: (_)) @type
(enum_specifier name: (_) @type.name body: (_)) @type
(preproc_function_def name: (identifier) @macro.name) @macro
(base_class_clause (type_identifier) @base)
(call_expression function: (identifier) @call)
(call_expression function: (field_expression field: (field_identifier) @call))
(call_expression function: (qualified_identifier name: (identifier) @call))
(preproc_include path: (_) @import.module) @import
(string_literal) @literal

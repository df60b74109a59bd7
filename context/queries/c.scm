(function_definition declarator: (_) @function.declarator) @function
(struct_specifier name: (type_identifier) @type.name body: (_)) @type
(union_specifier name: (type_identifier) @type.name body: (_)) @type
(enum_specifier name: (type_identifier) @type.name body: (_)) @type
(preproc_function_def name: (identifier) @macro.name) @macro
(call_expression function: (identifier) @call)
(call_expression function: (field_expression field: (field_identifier) @call))
(preproc_include path: (_) @import.module) @import
(string_literal) @literal
(type_definition type: (struct_specifier !name body: (_)) declarator: (type_identifier) @type.name) @type
(type_definition type: (union_specifier !name body: (_)) declarator: (type_identifier) @type.name) @type
(type_definition type: (enum_specifier !name body: (_)) declarator: (type_identifier) @type.name) @type

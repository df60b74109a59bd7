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
(function_definition type: (class_specifier !body) declarator: (identifier) @type.name body: (compound_statement)) @type
(function_definition type: (struct_specifier !body) declarator: (identifier) @type.name body: (compound_statement)) @type
(call_expression function: (template_function name: (identifier) @call))
(call_expression function: (qualified_identifier name: (template_function name: (identifier) @call)))
(call_expression function: (qualified_identifier name: (qualified_identifier name: (identifier) @call)))
(call_expression function: (qualified_identifier name: (qualified_identifier name: (template_function name: (identifier) @call))))
(call_expression function: (field_expression field: (template_method name: (field_identifier) @call)))
(new_expression type: (type_identifier) @call)
(new_expression type: (template_type name: (type_identifier) @call))
(base_class_clause (template_type name: (type_identifier) @base))
(base_class_clause (qualified_identifier name: (type_identifier) @base))

(type_definition type: (struct_specifier !name body: (_)) declarator: (type_identifier) @type.name) @type
(type_definition type: (union_specifier !name body: (_)) declarator: (type_identifier) @type.name) @type
(type_definition type: (enum_specifier !name body: (_)) declarator: (type_identifier) @type.name) @type

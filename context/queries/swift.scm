(class_declaration name: (type_identifier) @type.exact) @type
(class_declaration declaration_kind: "extension" name: (user_type) @scope.path) @scope
(protocol_declaration name: (type_identifier) @type.exact) @type
(typealias_declaration name: (type_identifier) @type.exact) @type
(function_declaration "func" . name: _ @function.exact) @function
(protocol_function_declaration "func" . name: _ @function.exact) @function
(init_declaration "init" @function.name) @function
(deinit_declaration "deinit" @function.name) @function
(subscript_declaration "subscript" @function.name) @function
(property_declaration name: (pattern bound_identifier: (simple_identifier) @function.exact) computed_value: (computed_property)) @function
(property_declaration name: (pattern bound_identifier: (simple_identifier) @function.exact) value: (lambda_literal)) @function
(inheritance_specifier inherits_from: (user_type (type_identifier) @base .))
(inheritance_specifier inherits_from: (user_type (type_identifier) @base . (type_arguments)))
(call_expression . (simple_identifier) @call)
(call_expression . (navigation_expression suffix: (navigation_suffix suffix: (simple_identifier) @call)))
(constructor_expression constructed_type: (user_type (type_identifier) @call . (type_arguments)))
(import_declaration (identifier) @import.module) @import
(line_string_literal) @literal
(multi_line_string_literal) @literal
(raw_string_literal) @literal
(property_declaration name: (pattern bound_identifier: (simple_identifier) @function.exact) (willset_didset_block)) @function
(property_declaration name: (pattern bound_identifier: (simple_identifier) @function.exact) value: (call_expression . (lambda_literal))) @function

(type_spec name: (type_identifier) @type.name) @type
(function_declaration name: (identifier) @function.name) @function
(method_declaration receiver: (parameter_list) @function.owner name: (field_identifier) @function.name) @function
(struct_type (field_declaration_list (field_declaration !name type: (type_identifier) @base)))
(call_expression function: (identifier) @call)
(call_expression function: (selector_expression field: (field_identifier) @call))
(import_spec path: (_) @import.module) @import
(interpreted_string_literal) @literal
(raw_string_literal) @literal
(var_spec name: (identifier) @function.name value: (expression_list . (func_literal))) @function
(keyed_element key: (literal_element (identifier) @function.name) value: (literal_element (func_literal))) @function

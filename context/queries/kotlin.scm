(class_declaration name: (identifier) @type.exact) @type
(object_declaration name: (identifier) @type.exact) @type
(type_alias type: (identifier) @type.exact) @type
(function_declaration name: (identifier) @function.exact) @function
(secondary_constructor "constructor" @function.name) @function
(anonymous_initializer "init" @function.name) @function
(property_declaration (variable_declaration (identifier) @function.exact) [(getter) (setter) (property_delegate) (lambda_literal) (anonymous_function)]) @function
(delegation_specifier (user_type (identifier) @base .))
(delegation_specifier (user_type (identifier) @base . (type_arguments)))
(delegation_specifier (_ (user_type (identifier) @base .)))
(delegation_specifier (_ (user_type (identifier) @base . (type_arguments))))
(call_expression . (identifier) @call)
(call_expression . (navigation_expression (identifier) @call .))
(import (qualified_identifier) @import.module) @import
(string_literal) @literal
(multiline_string_literal) @literal

"""Document a function or a type: the model writes words and nothing else; we put them in place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from context.anatomy import Function
from context.languages import spoken_name
from context.selection import type_snippets
from context.text import Text
from context.window import Snippet, render_plain
from models.asking import Asking, packed
from models.errors import ReplyUnusable
from models.findings import Proposal
from models.gate import Code, docs_refusal
from models.prompts import Grammar, writing
from models.replies import parse_doc
from models.tasks.doc_forms import clean_words, doc_edit, has_form, without_subject
from models.tasks.edit import EditTask
from models.tasks.proposing import Checked, Question, propose

MAX_ANSWER_TOKENS = 220
REASON = "Documents {name}; the code is the same."


async def propose_doc(
    task: EditTask,
    snippets: Sequence[Snippet],
    sources: Mapping[str, str],
    code: Code,
    asking: Asking,
) -> Proposal:
    """A doc for the function or type around the task's first line. Raises `ReplyUnusable`."""
    source = sources[task.path]
    if not has_form(task.path):
        raise ReplyUnusable(f"Postil does not know how {spoken_name(task.path)} writes docs.")
    anatomy = await code.anatomy(task.path, source)
    definition = anatomy.definition_around(task.first_line)
    if definition is None:
        raise ReplyUnusable("There is no function or type at these lines; select one to document.")
    doc_edit(task.path, source, definition, "A first try", "")  # says at once if it has no place
    asked = writing.document
    if not isinstance(definition, Function):
        asked = writing.document_type
        snippets = type_snippets(task.path, Text(source), definition, anatomy, snippets)
    window = await packed(snippets, asking)
    language, name = spoken_name(task.path), definition.name

    async def check(text: str) -> Checked:
        words = clean_words(parse_doc(text), name)
        if isinstance(definition, Function):
            words = without_subject(words, name, kept=name if language == "Go" else "")
        edit = doc_edit(task.path, source, definition, words, REASON.format(name=name))
        refusal = await docs_refusal([edit], sources, code)
        return Checked(refusals=(refusal,)) if refusal else Checked((edit,))

    question = Question(
        title=f"Document {name}",
        conversation=asked(render_plain(window), name, language),
        form=Grammar.DOC,
        window=window,
        told=name,
        max_answer_tokens=MAX_ANSWER_TOKENS,
        answer_prefix=f"{name} " if language == "Go" else "",
    )
    return await propose(question, check, asking)

"""What can go wrong with a model, a class per way of reacting.

ModelError                 something about the model; its text is one sentence for the user
├── ModelUnavailable       no weights, too little memory: say how to get them, go on without a model
├── WeightsRefused         a file is not what it should be (digest, header): do not load it
├── ModelCrashed           the worker died: restart it, this request is lost
├── GaveWay                background work left the model to a person who waits: ask anew
├── ContextFull            the prompt does not fit: show less
├── CannotScore            this backend gives no probabilities: do without them
├── CannotFillGaps         this model was not trained to fill in code: offer none
├── EndpointRefused        a server said no for good (key, model, request): do not ask again
├── EndpointUnavailable    a server could not begin to answer: another may, or this one later
├── EndpointBroke          a server's answer stopped in the middle: this request is lost
└── ReplyUnusable          the answer could not be read or was refused: show why, offer nothing
"""

from __future__ import annotations


class ModelError(Exception):
    """Base; the text is one sentence that says what failed and what to do."""


class ModelUnavailable(ModelError):
    pass


class WeightsRefused(ModelError):
    pass


class ModelCrashed(ModelError):
    pass


class GaveWay(ModelError):
    pass


class ContextFull(ModelError):
    pass


class CannotScore(ModelError):
    pass


class CannotFillGaps(ModelError):
    pass


class EndpointRefused(ModelError):
    pass


class EndpointUnavailable(ModelError):
    pass


class EndpointBroke(ModelError):
    pass


class ReplyUnusable(ModelError):
    pass

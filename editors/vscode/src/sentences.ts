// Sentences of the server that the editor shows by itself or through the client: messages, progress and errors.
//
// They carry words of a workspace and a model, and the editor makes buttons of what looks like a link in them. All
// are made plain here, where they come in, so that nobody who shows one has to think of it.

import { Message, type MessageStrategy } from 'vscode-languageclient/node';

import { visible } from './contract';

const MESSAGES: readonly string[] = ['window/showMessage', 'window/showMessageRequest'];

export const plainSentences: MessageStrategy = {
  handleMessage: (message, next) => next(plain(message)),
};

function plain(message: Message): Message {
  if (Message.isResponse(message)) {
    const { error } = message;
    return error === undefined ? message : { ...message, error: { ...error, message: visible(error.message) } } as Message;
  }
  if (!Message.isNotification(message) && !Message.isRequest(message)) {
    return message;
  }
  const { method } = message;
  const params = (message.params ?? {}) as Record<string, unknown>;
  if (MESSAGES.includes(method)) {
    return { ...message, params: withPlain(params, 'message') } as Message;
  }
  const { value } = params;
  if (method === '$/progress' && typeof value === 'object' && value !== null && 'kind' in value) {
    return { ...message, params: { ...params, value: withPlain(value, 'title', 'message') } } as Message;
  }
  return message;
}

/** A copy with these members made plain, where they are words. */
function withPlain(given: object, ...names: readonly string[]): object {
  const made = Object.entries(given).map(([name, value]: [string, unknown]): [string, unknown] => [
    name,
    typeof value === 'string' && names.includes(name) ? visible(value) : value,
  ]);
  return Object.fromEntries(made);
}

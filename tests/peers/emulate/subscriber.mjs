// Registers an HTTP subscriber of Slack events with the emulator, which offers no way to do that from outside.
import { registerHooks } from 'node:module';

globalThis.subscribers = [{ id: 1, url: process.env.SUBSCRIBER, events: ['*'], owner: 'slack', active: true }];

registerHooks({
  load(url, context, next) {
    const loaded = next(url, context);
    if (url.includes('/emulate/dist/') && loaded.source) {
      loaded.source = String(loaded.source).replace('subscriptions = [];', 'subscriptions = globalThis.subscribers;');
    }
    return loaded;
  },
});

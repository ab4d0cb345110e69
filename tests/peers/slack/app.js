// An app made with Slack's own framework for Node: it says what it hears, over sockets or over HTTP.
//
// Each line that it prints is `seen WHAT`. With PORT it listens there for signed requests, else it opens a socket.
const { App, LogLevel } = require('@slack/bolt');

const FAMILY = { channel: 'channels', group: 'groups', im: 'im', mpim: 'mpim' };
const EVENTS = [
  'agent_session_stopped', 'app_home_opened', 'app_uninstalled', 'member_joined_channel', 'reaction_added',
  'reaction_removed', 'tokens_revoked',
];
const port = process.env.PORT;
const app = new App({
  token: process.env.SLACK_BOT_TOKEN,
  clientOptions: { slackApiUrl: `${process.env.SLACK_API_URL}/` },
  logLevel: LogLevel.ERROR,
  // Messages of the app's own are heard too: the server sends them.
  ignoreSelf: false,
  ...(port
    ? { signingSecret: process.env.SLACK_SIGNING_SECRET }
    : { socketMode: true, appToken: process.env.SLACK_APP_TOKEN }),
});
const say = (line) => console.log(line);
const modal = {
  type: 'modal',
  callback_id: 'form',
  title: { type: 'plain_text', text: 'Edit' },
  submit: { type: 'plain_text', text: 'Save' },
  blocks: [{
    type: 'input',
    block_id: 'step',
    label: { type: 'plain_text', text: 'Step' },
    element: { type: 'plain_text_input', action_id: 'text' },
  }],
};

for (const name of EVENTS) {
  app.event(name, async () => say(`seen ${name}`));
}
app.event('app_mention', async ({ event, say: post }) => {
  say('seen app_mention');
  const button = { type: 'button', action_id: 'open', text: { type: 'plain_text', text: 'Open' }, value: '1' };
  const blocks = [
    { type: 'section', text: { type: 'mrkdwn', text: 'A plan' } },
    { type: 'actions', elements: [button] },
  ];
  await post({ text: 'A plan', thread_ts: event.ts, blocks });
});
app.event('message', async ({ event }) => {
  say(`seen message.${FAMILY[event.channel_type]}`);
  say(`seen subtype ${event.subtype ?? 'none'}`);
});
app.action('open', async ({ ack, body, client, respond }) => {
  await ack();
  say('seen block_actions');
  await client.views.open({ trigger_id: body.trigger_id, view: modal });
  await respond({ text: 'Opened.', response_type: 'ephemeral', replace_original: false });
});
app.view('form', async ({ ack, view }) => {
  say('seen view_submission');
  const isBad = view.state.values.step.text.value === 'bad';
  await ack(isBad ? { response_action: 'errors', errors: { step: 'say what to do' } } : undefined);
});
app.shortcut('start', async ({ ack, shortcut, client }) => {
  await ack();
  say('seen message_action');
  await client.views.open({ trigger_id: shortcut.trigger_id, view: modal });
});
app.command('/agent', async ({ ack, command }) => {
  say('seen /agent');
  await ack(`You said ${command.text}.`);
});
app.error(async (trouble) => {
  say(`failed ${trouble.stack}`);
  process.exit(1);
});
app.start(port ? Number(port) : undefined).then(() => say('ready'));

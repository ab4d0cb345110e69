"""An app made with Slack's own library for Python: it uses every method, and says what it hears.

Each line that it prints is `seen WHAT` or `done WHAT`; a refusal that is not as it should be ends it.
"""

import os
import threading

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.models.blocks import ActionsBlock, ButtonElement, SectionBlock
from slack_sdk.socket_mode import SocketModeClient
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.webhook import WebhookClient

API = os.environ["SLACK_API_URL"] + "/"
web = WebClient(token=os.environ["SLACK_BOT_TOKEN"], base_url=API)
FAMILY = {"channel": "channels", "group": "groups", "im": "im", "mpim": "mpim"}


SAYING = threading.Lock()


def say(line):
    with SAYING:
        print(line, flush=True)


def refused(word, call, **arguments):
    try:
        call(**arguments)
    except SlackApiError as error:
        assert error.response["error"] == word, f"{word} was wanted: {error.response}"
        return error.response
    raise AssertionError(f"{word} was wanted, and it was done")


def modal(title):
    step = {"type": "plain_text_input", "action_id": "text", "initial_value": "one"}
    label = {"type": "plain_text", "text": "Step"}
    return {
        "type": "modal",
        "callback_id": "form",
        "title": {"type": "plain_text", "text": title},
        "submit": {"type": "plain_text", "text": "Save"},
        "blocks": [{"type": "input", "block_id": "step", "label": label, "element": step}],
    }


def facts():
    assert web.api_test()["ok"]
    who = web.auth_test()
    assert "chat:write" in who.headers["x-oauth-scopes"], who.headers
    assert web.bots_info(bot=who["bot_id"])["bot"]["name"] == who["user"]
    assert web.team_info()["team"]["id"] == who["team_id"]
    assert web.users_info(user="U0GUS")["user"]["is_restricted"]
    assert web.users_lookupByEmail(email="ana@acme.example")["user"]["id"] == "U0ANA"
    names = [user["name"] for page in web.users_list(limit=2) for user in page["members"]]
    assert names[0] == "agent" and "olga" in names and len(names) == len(set(names)), names
    groups = web.usergroups_list(include_users=True)["usergroups"]
    assert groups[0]["users"] == web.usergroups_users_list(usergroup=groups[0]["id"])["users"]
    assert web.conversations_info(channel="C0DEV")["channel"]["is_member"]
    assert "U0BEN" in web.conversations_members(channel="C0DEV")["members"]
    ours = web.users_conversations(types="public_channel,private_channel")["channels"]
    everything = web.conversations_list(types="public_channel,private_channel")["channels"]
    assert {"dev", "ops"} <= {it["name"] for it in ours} and "random" in {it["name"] for it in everything}
    assert web.conversations_open(users=["U0ANA"])["channel"]["id"] == "D0ANA"
    refused("user_not_found", web.users_info, user="U0NOBODY")
    refused("channel_not_found", web.conversations_info, channel="C0NOWHERE")
    refused("not_in_channel", web.chat_postMessage, channel="C0RANDOM", text="x")
    assert web.conversations_join(channel="C0RANDOM")["channel"]["is_member"]
    refused("invalid_auth", WebClient(token="xoxb-wrong", base_url=API).auth_test)
    refused("not_authed", WebClient(base_url=API).auth_test)
    refused("unknown_method", web.api_call, api_method="chat.sing")
    say("done facts")


def talk(channel, ts):
    posted = web.chat_postMessage(
        channel=channel,
        thread_ts=ts,
        text="A plan",
        metadata={"event_type": "card", "event_payload": {"key": "plan:T-1:1"}},
        blocks=[
            SectionBlock(text="*A plan* for <@U0ANA>"),
            ActionsBlock(elements=[ButtonElement(text="Open", action_id="open", value="1")]),
        ],
    )
    card = posted["ts"]
    assert posted["message"]["bot_profile"]["name"] == "agent" and posted["message"]["thread_ts"] == ts
    pages = [page["messages"] for page in web.conversations_replies(channel=channel, ts=ts, limit=1)]
    assert pages[0][0]["ts"] == ts and pages[0][0]["reply_count"] >= 1 and pages[0][0]["latest_reply"] >= card
    kept = web.conversations_replies(channel=channel, ts=ts, include_all_metadata=True)["messages"][-1]
    assert kept["metadata"]["event_payload"] == {"key": "plan:T-1:1"}, kept
    assert web.chat_update(channel=channel, ts=card, text="A better plan", blocks=posted["message"]["blocks"])["ts"] == card
    top = web.conversations_history(channel=channel, limit=1)
    assert top["messages"][0]["ts"] == ts and card not in {it["ts"] for it in top["messages"]}
    assert ts.replace(".", "") in web.chat_getPermalink(channel=channel, message_ts=ts)["permalink"]
    web.reactions_add(channel=channel, timestamp=ts, name="eyes")
    refused("already_reacted", web.reactions_add, channel=channel, timestamp=ts, name="eyes")
    found = web.reactions_get(channel=channel, timestamp=ts)["message"]["reactions"]
    assert found == [{"name": "eyes", "users": ["U0AGENTACME"], "count": 1}], found
    web.reactions_remove(channel=channel, timestamp=ts, name="eyes")
    refused("no_reaction", web.reactions_remove, channel=channel, timestamp=ts, name="eyes")
    web.chat_postEphemeral(channel=channel, user="U0BEN", text="Only you")
    extra = web.chat_postMessage(channel=channel, thread_ts=ts, text="Wrong")["ts"]
    web.chat_delete(channel=channel, ts=extra)
    refused("message_not_found", web.chat_delete, channel=channel, ts=extra)
    refused("thread_not_found", web.conversations_replies, channel=channel, ts=extra)
    refused("cant_update_message", web.chat_update, channel=channel, ts=ts, text="x")
    refused("no_text", web.chat_postMessage, channel=channel, text="")
    refused("msg_too_long", web.chat_update, channel=channel, ts=card, text="x" * 4001)
    bad = refused("invalid_blocks", web.chat_postMessage, channel=channel, text="x", blocks=[{"type": "plan"}])
    assert "json-pointer" in bad["response_metadata"]["messages"][0], bad.data
    say("done talk")


def grow(channel, ts):
    web.assistant_threads_setStatus(channel_id=channel, thread_ts=ts, status="reads", loading_messages=["reads"])
    session = {"channel_id": channel, "thread_ts": ts, "title": "Fix it", "initiator_user_id": "U0ANA"}
    for status in ["processing", "active", "suspended", "closed"]:
        told = web.agents_sessions_setStatus(status=status, **session)
        assert told["status"] == status and told["title"] == "Fix it", told
    refused("invalid_status", web.agents_sessions_setStatus, status="asleep", **session)
    alone = {"channel": channel, "thread_ts": ts}
    refused("missing_recipient_user_id", web.chat_startStream, recipient_team_id="T0ACME", **alone)
    refused("missing_recipient_team_id", web.chat_startStream, recipient_user_id="U0ANA", **alone)
    stream = web.chat_startStream(
        channel=channel, thread_ts=ts, recipient_user_id="U0ANA", recipient_team_id="T0ACME", task_display_mode="plan"
    )["ts"]
    step = {"type": "task_update", "id": "1", "title": "Read", "status": "in_progress"}
    web.chat_appendStream(channel=channel, ts=stream, chunks=[{"type": "plan_update", "title": "The plan"}, step])
    refused("invalid_chunks", web.chat_appendStream, channel=channel, ts=stream, chunks=[{**step, "status": "done"}])
    blocks = [SectionBlock(text="Edited")]
    refused("streaming_state_conflict", web.chat_update, channel=channel, ts=stream, blocks=blocks)
    ended = web.chat_stopStream(
        channel=channel, ts=stream, markdown_text="Done.", chunks=[{**step, "status": "complete"}], session_status="active"
    )
    plan = ended["message"]["blocks"][0]
    assert plan["title"] == "The plan" and plan["tasks"][0]["status"] == "complete", plan
    web.chat_update(channel=channel, ts=stream, blocks=blocks)
    refused("message_not_in_streaming_state", web.chat_appendStream, channel=channel, ts=stream, markdown_text="x")
    say("done streams")


def share(channel, ts):
    sent = web.files_upload_v2(channel=channel, thread_ts=ts, content="hello", filename="note.txt", initial_comment="here")
    file = web.files_info(file=sent["files"][0]["id"])["file"]
    assert file["size"] == 5 and file["url_private_download"].endswith("note.txt"), file
    home = {"type": "home", "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "*Your tasks*"}}]}
    web.views_publish(user_id="U0ANA", view=home)
    refused("invalid_trigger_id", web.views_open, trigger_id="none", view=modal("Edit"))
    say("done files")


def pressed(payload):
    view = web.views_open(trigger_id=payload["trigger_id"], view=modal("Edit"))["view"]
    refused("exchanged_trigger_id", web.views_open, trigger_id=payload["trigger_id"], view=modal("Edit"))
    web.views_update(view_id=view["id"], hash=view["hash"], view=modal("Edit it"))
    refused("hash_conflict", web.views_update, view_id=view["id"], hash=view["hash"], view=modal("Edit"))
    answer = WebhookClient(payload["response_url"]).send(text="Opened.", response_type="ephemeral")
    assert answer.status_code == 200 and answer.body == "ok", answer.body


def used(payload):
    web.views_push(trigger_id=payload["trigger_id"], view=modal("From a message"))


def seen(event):
    if event["type"] == "message":
        say(f"seen message.{FAMILY[event['channel_type']]}")
        say(f"seen subtype {event.get('subtype', 'none')}")
    else:
        say(f"seen {event['type']}")


def reads(client, request):
    answer = None
    work = None
    if request.type == "events_api":
        event = request.payload["event"]
        assert request.payload["authorizations"][0]["is_bot"], request.payload
        seen(event)
        if event["type"] == "app_mention" and "everything" in event["text"]:
            work = lambda: (facts(), talk(event["channel"], event["ts"]), grow(event["channel"], event["ts"]),
                            share(event["channel"], event["ts"]), say("done everything"))
    elif request.type == "slash_commands":
        say(f"seen {request.payload['command']}")
        answer = {"text": f"You said {request.payload['text']}."}
    else:
        kind = request.payload["type"]
        say(f"seen {kind}")
        if kind == "view_submission":
            value = request.payload["view"]["state"]["values"]["step"]["text"]["value"]
            if value == "bad":
                answer = {"response_action": "errors", "errors": {"step": "say what to do"}}
        elif kind == "block_actions":
            work = lambda: pressed(request.payload)
        elif kind == "message_action":
            work = lambda: used(request.payload)
    client.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id, payload=answer))
    if work:
        threading.Thread(target=ended, args=(work,)).start()


def ended(work):
    try:
        work()
    except BaseException as trouble:  # noqa: BLE001: whatever it is, the test has to end
        say(f"failed {trouble!r}")
        os._exit(1)


socket = SocketModeClient(app_token=os.environ["SLACK_APP_TOKEN"], web_client=web)
socket.socket_mode_request_listeners.append(reads)
socket.connect()
say("ready")
threading.Event().wait()

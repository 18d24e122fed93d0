"""Notifiers that tests watch: one writes a file, the others do what no notifier should."""

import json
import os
import time
from pathlib import Path

import httpx
from airflow.sdk import BaseNotifier


class ToFile(BaseNotifier):
    """Append what it was called with to ``$NOTES/<name>.jsonl``."""

    template_fields = ("text", "more")

    def __init__(self, name, text="", more=None, message="", **kwargs):
        super().__init__(**kwargs)
        self.name, self.text, self.more, self.message = name, text, more, message

    def notify(self, context):
        note = {
            "text": self.text,
            "more": self.more,
            "message": self.message,
            "mcp": context["mcp"],
            "pid": os.getpid(),
        }
        with (Path(os.environ["NOTES"]) / f"{self.name}.jsonl").open("a") as notes:
            notes.write(json.dumps(note) + "\n")


class ToFileLater(ToFile):
    """The same, in the asynchronous form alone."""

    notify = BaseNotifier.notify

    async def async_notify(self, context):
        ToFile.notify(self, context)


class Webhook(BaseNotifier):
    """POST JSON to a URL."""

    template_fields = ("json",)

    def __init__(self, url, json=None, **kwargs):
        super().__init__(**kwargs)
        self.url, self.json = url, json

    def notify(self, _):
        httpx.post(os.environ["WEBHOOK"] + self.url, json=self.json, timeout=25).raise_for_status()


class Raises(BaseNotifier):
    def notify(self, _):
        raise RuntimeError("the channel does not exist")


class Exits(BaseNotifier):
    def notify(self, _):
        os._exit(3)


class Hangs(BaseNotifier):
    def notify(self, _):
        time.sleep(600)


NOT_A_NOTIFIER = 1

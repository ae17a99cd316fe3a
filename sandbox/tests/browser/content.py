"""What a company that serves AI features keeps in PostHog, and one name that tries to break out."""


from sandbox.tests.clients import event
from sandbox.tests.running import Sandbox
from sandbox.tests.shapes import Api, eventually, in_cohort, person, trends, variants

EVIL = '<img src=x onerror="window.broken=1"><script>window.broken=1</script>\'"><b>bold'


class Content:
    """The objects, made once; `paths` are all pages that there are then."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.api = Api(sandbox)
        self._people(sandbox)
        self._flags()
        self._dashboard()
        self._others()
        eventually(lambda: self.api.get(f"cohorts/{self.cohort['id']}/")["count"] == 4)
        person_id = self.api.get("persons/?distinct_id=inst-0001")["results"][0]["id"]
        base = f"/project/{sandbox.project_id}"
        self.base = base
        self.paths = [
            *("/", f"{base}/flags", f"{base}/flags/{self.flag['id']}", f"{base}/cohorts"),
            *(f"{base}/cohorts/{self.cohort['id']}", f"{base}/dashboards", f"{base}/dashboards/{self.dashboard['id']}"),
            *(f"{base}/alerts", f"{base}/deliveries", f"{base}/experiments"),
            *(f"{base}/persons", f"{base}/persons/{person_id}"),
            *(f"{base}/groups", f"{base}/things", f"{base}/things/insights", f"{base}/things/annotations"),
            *(f"{base}/activity", f"{base}/requests"),
        ]

    def _people(self, sandbox: Sandbox) -> None:
        for number in range(1, 8):
            name = f"inst-{number:04}"
            plan = "pro" if number % 2 else "free"
            properties = {"version": f"2.{number}.0", "plan": plan, "name": f"Clinic {number}"}
            sandbox.capture(event("$identify", name, **{"$set": properties}))
            sandbox.capture(event("ai_enhancement_used", name, model="deepseek-chat-v3", total_tokens=900 + number))
        sandbox.capture(event("$identify", EVIL, **{"$set": {EVIL: EVIL, "email": EVIL}}))
        sandbox.capture(event(EVIL, EVIL, **{EVIL: EVIL}))
        for group in ("acme-health", EVIL):
            values = {"$group_type": "company", "$group_key": group, "$group_set": {"seats": 40, "name": group}}
            sandbox.capture(event("$groupidentify", "inst-0001", **values))

    def _flags(self) -> None:
        recent = person("version", "2.1.0", "semver_gte")
        self.cohort = self.api.cohort(person("plan", "pro"), recent, name="Pro clinics")
        self.api.cohort(name=EVIL, description=EVIL)
        conditions = [
            {**in_cohort(self.cohort["id"])["groups"][0], "variant": "deepseek-chat-r1", "description": "Pro first"},
            {"properties": [person("version", "2.4.0", "semver_gte")], "rollout_percentage": 25},
        ]
        shares = variants(**{"deepseek-chat-v3": 80, "deepseek-chat-r1": 20})
        payloads = {"deepseek-chat-v3": {"temperature": 0.2, "max_tokens": 2048}}
        filters = {"groups": conditions, "multivariate": shares, "payloads": payloads}
        self.flag = self.api.flag(key="ai-model-version", name="Which model serves AI enhancements", filters=filters)
        self.api.patch(f"feature_flags/{self.flag['id']}/", {"tags": ["ai"], "name": "Which model serves enhancements"})
        self.api.flag(key="ai-transcription-in-the-background-of-every-recording-session", active=False)
        payload = {"groups": [{}], "payloads": {"true": {"prompt": EVIL}}}
        self.api.flag(key="ai-summary", name=EVIL, filters=payload, tags=[EVIL])

    def _dashboard(self) -> None:
        api = self.api
        self.dashboard = api.dashboard(name="AI usage", description="What the AI features cost, and what they do")
        by_model = {"breakdownFilter": {"breakdown": "model", "breakdown_type": "event"}}
        queries = [
            trends("ai_enhancement_used", EVIL, **by_model, trendsFilter={"goalLines": [{"label": EVIL, "value": 3}]}),
            {"kind": "HogQLQuery", "query": "SELECT * FROM nowhere"},
            {"kind": "HogQLQuery", "query": "SELECT event, count() AS events FROM events GROUP BY event"},
            trends("never"),
        ]
        insights = [
            api.insight(name=name, query=query, dashboards=[self.dashboard["id"]])
            for name, query in zip(NAMES, queries, strict=True)
        ]
        tiles = api.get(f"dashboards/{self.dashboard['id']}/")["tiles"]
        for index, tile in enumerate(tiles):
            tile["layouts"] = {"sm": {"x": 6 * (index % 2), "y": 1 + 5 * (index // 2), "w": 6, "h": 5}}
        text = {"text": {"body": f"## Cost and volume\n\n{EVIL}"}, "layouts": {"sm": {"x": 0, "y": 0, "w": 12, "h": 1}}}
        api.patch(f"dashboards/{self.dashboard['id']}/", {"tiles": [*tiles, text]})
        nights = {"blocked_windows": [{"start": "22:00", "end": "06:00"}]}
        alert = api.alert(insights[0]["id"], name="Too many tokens", schedule_restriction=nights)
        api.patch(f"alerts/{alert['id']}/", {"snoozed_until": "2h"})
        fires = {"configuration": {"type": "absolute", "bounds": {"lower": 1}}}
        api.alert(insights[0]["id"], name=EVIL, subscribed_users=[1], threshold=fires)
        api.work()

    def _others(self) -> None:
        annotation = {"content": EVIL, "date_marker": "2026-09-01T12:00:00Z", "scope": "project"}
        self.api.post("annotations/", annotation)
        self.api("POST", "feature_flags/", {"key": EVIL})
        self._experiment("A shorter prompt", "ai-short-prompt")
        self._experiment(EVIL, "ai-evil")

    def _experiment(self, name: str, flag: str) -> None:
        used = {"kind": "EventsNode", "event": "ai_enhancement_used"}
        metric = {"kind": "ExperimentMetric", "metric_type": "mean", "name": f"Tokens, {name}", "source": used}
        body = {"name": name, "description": name, "feature_flag_key": flag, "metrics": [metric]}
        made = self.api.post("experiments/", body)
        self.api.post(f"experiments/{made['id']}/launch/")


NAMES = ("Tokens per day, by model", "Errors per day", "Installations that use AI", EVIL)

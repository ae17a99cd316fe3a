"""Safety gates: what an `up` may not do without consent, by comparison with what was applied last. Pure.

The program checks the gates, so that a plain `pulumi up` can't bypass them, and it checks a preview as well,
so that the review fails and not the deployment. The provider's guard is the second check
(``providers.posthog.guard``), which looks at what PostHog holds instead of at what was applied last.

Nothing prevents switching a flag off: no gate counts it, and a refused run still applies it.
"""

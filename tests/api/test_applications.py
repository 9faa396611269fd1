"""The Applications resource: what each verb answers and changes."""

import json

from ..support.rows import BARE, CHILD, FULL, MARKUP, NAMESAKE
from ..support.service import BASE

LIST = f"/Accounts/{CHILD['sid']}/Applications"


def test_list_is_ordered_by_date_then_sid(service):
    reply = service.request("GET", f"{LIST}.json", CHILD)
    sids = [application["sid"] for application in json.loads(reply.data)]
    assert sids == [each["sid"] for each in (NAMESAKE, FULL, BARE, MARKUP)]


def test_read_shows_one_application_in_xml(service):
    reply = service.request("GET", f"{LIST}/{MARKUP['sid']}", CHILD)
    assert (
        reply.data.decode()
        == f"""\
<RestcommResponse>
  <Application>
    <Sid>{MARKUP["sid"]}</Sid>
    <DateCreated>Wed, 1 Jun 2016 10:00:00 +0000</DateCreated>
    <DateUpdated>Wed, 1 Jun 2016 10:00:00 +0000</DateUpdated>
    <FriendlyName>&lt;&amp;&quot;é&apos;&gt;</FriendlyName>
    <AccountSid>{CHILD["sid"]}</AccountSid>
    <ApiVersion>2012-04-24</ApiVersion>
    <VoiceCallerIdLookup>false</VoiceCallerIdLookup>
    <Uri>{BASE}{LIST}/{MARKUP["sid"]}</Uri>
    <RcmlUrl></RcmlUrl>
    <Kind>ussd</Kind>
  </Application>
</RestcommResponse>"""
    )

"""Dates as the database holds them and as replies print them.

Expected texts of the years from 1900 on were checked by hand against java.text.SimpleDateFormat
and java.sql.Timestamp of OpenJDK 17, on which the original ran. Before 1582 the two calendars
differ: this service counts Gregorian days all the way back.
"""

import email.utils
import json
import re
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lxml import etree

from restcomm_apps.domain.dates import format_date, local_now

from ..support.rows import CHILD, application_row

UTC = ZoneInfo("UTC")


@pytest.mark.parametrize(
    ("stored", "printed"),
    [
        ("2018-11-19 14:05:09", "Mon, 19 Nov 2018 14:05:09 +0000"),
        ("2018-11-20 14:05:09", "Tue, 20 Nov 2018 14:05:09 +0000"),
        ("2018-11-21 14:05:09", "Wed, 21 Nov 2018 14:05:09 +0000"),
        ("2018-11-22 14:05:09", "Thu, 22 Nov 2018 14:05:09 +0000"),
        ("2018-11-23 14:05:09", "Fri, 23 Nov 2018 14:05:09 +0000"),
        ("2018-11-24 14:05:09", "Sat, 24 Nov 2018 14:05:09 +0000"),
        ("2018-11-25 14:05:09", "Sun, 25 Nov 2018 14:05:09 +0000"),
    ],
)
def test_format_names_each_weekday(stored, printed):
    assert format_date(stored, UTC) == printed


@pytest.mark.parametrize(
    ("month", "printed"),
    [
        ("01", "Mon, 1 Jan 2018"),
        ("02", "Thu, 1 Feb 2018"),
        ("03", "Thu, 1 Mar 2018"),
        ("04", "Sun, 1 Apr 2018"),
        ("05", "Tue, 1 May 2018"),
        ("06", "Fri, 1 Jun 2018"),
        ("07", "Sun, 1 Jul 2018"),
        ("08", "Wed, 1 Aug 2018"),
        ("09", "Sat, 1 Sep 2018"),
        ("10", "Mon, 1 Oct 2018"),
        ("11", "Thu, 1 Nov 2018"),
        ("12", "Sat, 1 Dec 2018"),
    ],
)
def test_format_names_each_month_and_pads_no_day(month, printed):
    assert format_date(f"2018-{month}-01 00:00:00", UTC) == f"{printed} 00:00:00 +0000"


@pytest.mark.parametrize(
    ("stored", "printed"),
    [
        ("0001-01-01 00:00:00", "Mon, 1 Jan 0001 00:00:00 +0000"),
        ("0001-06-01 12:00:00", "Fri, 1 Jun 0001 12:00:00 +0000"),
        ("0999-01-01 00:00:00", "Tue, 1 Jan 0999 00:00:00 +0000"),
        ("1900-01-01 00:00:00", "Mon, 1 Jan 1900 00:00:00 +0000"),
        ("1969-12-31 23:59:59", "Wed, 31 Dec 1969 23:59:59 +0000"),
        ("2000-02-29 00:00:00", "Tue, 29 Feb 2000 00:00:00 +0000"),
        ("2400-02-29 00:00:00", "Tue, 29 Feb 2400 00:00:00 +0000"),
        ("9999-12-31 23:59:59", "Fri, 31 Dec 9999 23:59:59 +0000"),
        ("10000-01-01 00:00:00", "Sat, 1 Jan 10000 00:00:00 +0000"),
        ("10000-02-29 00:00:00", "Tue, 29 Feb 10000 00:00:00 +0000"),
        ("12345-06-07 08:09:10", "Thu, 7 Jun 12345 08:09:10 +0000"),
        ("292278993-08-17 07:12:55", "Sat, 17 Aug 292278993 07:12:55 +0000"),
    ],
)
def test_format_prints_any_year(stored, printed):
    assert format_date(stored, UTC) == printed


@pytest.mark.parametrize(
    ("stored", "zone_name", "printed"),
    [
        # The first day and the last one, whose UTC is outside the years of Python's datetime.
        ("0001-01-01 00:00:00", "Europe/Berlin", "Mon, 1 Jan 0001 00:00:00 +0053"),
        ("0001-01-01 00:00:00", "America/New_York", "Mon, 1 Jan 0001 00:00:00 -0456"),
        ("9999-12-31 23:59:59", "Europe/Berlin", "Fri, 31 Dec 9999 23:59:59 +0100"),
        ("9999-12-31 23:59:59", "America/St_Johns", "Fri, 31 Dec 9999 23:59:59 -0330"),
        # Summer time goes on for ever.
        ("2100-07-01 12:00:00", "Europe/Berlin", "Thu, 1 Jul 2100 12:00:00 +0200"),
        ("9999-07-01 12:00:00", "Europe/Berlin", "Thu, 1 Jul 9999 12:00:00 +0200"),
        ("10000-01-01 00:00:00", "Europe/Berlin", "Sat, 1 Jan 10000 00:00:00 +0100"),
        ("12345-06-07 08:09:10", "Europe/Berlin", "Thu, 7 Jun 12345 08:09:10 +0200"),
    ],
)
def test_format_prints_extreme_years_in_any_zone(stored, zone_name, printed):
    assert format_date(stored, ZoneInfo(zone_name)) == printed


@pytest.mark.parametrize("year", [9000, 9399, 9400, 9799, 9800, 9999, 10000, 10399, 10400])
def test_format_repeats_the_calendar_every_400_years(year):
    recent = format_date(f"{year % 400 + 2000:04d}-07-01 12:00:00", ZoneInfo("Europe/Berlin"))
    distant = format_date(f"{year}-07-01 12:00:00", ZoneInfo("Europe/Berlin"))
    assert distant == recent.replace(str(year % 400 + 2000), str(year))
    assert distant.endswith(f"1 Jul {year} 12:00:00 +0200")


@pytest.mark.parametrize("separator", [" ", "T"])
@pytest.mark.parametrize(
    "fraction", ["", ".", ".0", ".5", ".999", ".000001", ".999999", ".999999999", "." + "9" * 40]
)
def test_format_cuts_off_a_fraction(separator, fraction):
    stored = f"2018-12-31{separator}23:59:59{fraction}"
    assert format_date(stored, UTC) == "Mon, 31 Dec 2018 23:59:59 +0000"


@pytest.mark.parametrize(
    "stored",
    [
        datetime(2018, 11, 3, 4, 5, 6),
        datetime(2018, 11, 3, 4, 5, 6, 1),
        datetime(2018, 11, 3, 4, 5, 6, 999999),
        datetime(2018, 11, 3, 4, 5, 6, fold=1),
    ],
    ids=repr,
)
def test_format_prints_a_datetime_as_its_text(stored):
    assert format_date(stored, UTC) == "Sat, 3 Nov 2018 04:05:06 +0000"
    assert format_date(str(stored), UTC) == "Sat, 3 Nov 2018 04:05:06 +0000"


@pytest.mark.parametrize(
    "stored",
    [
        *("", " ", "NULL", "yesterday", "1542981909000"),
        # MySQL's zero dates, and days that no calendar has.
        *("0000-00-00 00:00:00", "0000-01-01 00:00:00", "2018-00-10 00:00:00"),
        *("2018-02-29 00:00:00", "1900-02-29 00:00:00", "2018-13-01 00:00:00"),
        "10001-02-29 00:00:00",
        *("2018-11-31 00:00:00", "2018-11-23 24:00:00", "2018-11-23 23:60:00"),
        "2018-11-23 23:59:60",
        # Other notations, parts, and more than a date.
        *("2018-11-23", "2018-11-23 14:05", "2018-1-3 1:2:3", "18-11-23 14:05:09"),
        *("2018-11-23 14:05:09Z", "2018-11-23 14:05:09+00:00", "2018-11-23 14:05:09.1x"),
        *(" 2018-11-23 14:05:09", "2018-11-23 14:05:09\n", "2018-11-23  14:05:09"),
        *("-001-01-01 00:00:00", "2018/11/23 14:05:09", "<b>2018-11-23 14:05:09</b>"),
        # More digits than Python's int reads.
        pytest.param("1" * 5000 + "-01-01 00:00:00", id="5000-digits"),
    ],
)
def test_format_returns_an_odd_text_as_it_is(stored):
    assert format_date(stored, ZoneInfo("Europe/Berlin")) == stored


@pytest.mark.parametrize(
    ("zone_name", "stored", "printed"),
    [
        ("America/Sao_Paulo", "2018-02-17 22:59:59", "Sat, 17 Feb 2018 22:59:59 -0200"),
        ("America/Sao_Paulo", "2018-02-17 23:00:00", "Sat, 17 Feb 2018 23:00:00 -0300"),
        ("America/Sao_Paulo", "2018-02-17 23:59:59", "Sat, 17 Feb 2018 23:59:59 -0300"),
        ("America/Sao_Paulo", "2018-02-18 00:00:00", "Sun, 18 Feb 2018 00:00:00 -0300"),
        ("Europe/Berlin", "2018-10-28 01:59:59", "Sun, 28 Oct 2018 01:59:59 +0200"),
        ("Europe/Berlin", "2018-10-28 02:30:00", "Sun, 28 Oct 2018 02:30:00 +0100"),
        ("Europe/Berlin", "2018-10-28 03:00:00", "Sun, 28 Oct 2018 03:00:00 +0100"),
        ("America/St_Johns", "2018-11-04 01:30:00", "Sun, 4 Nov 2018 01:30:00 -0330"),
        # A minute past midnight, so that an hour of two days comes twice.
        ("America/St_Johns", "2010-11-06 23:30:00", "Sat, 6 Nov 2010 23:30:00 -0330"),
        ("America/St_Johns", "2010-11-07 00:00:59", "Sun, 7 Nov 2010 00:00:59 -0330"),
        # Half an hour.
        ("Australia/Lord_Howe", "2018-04-01 01:45:00", "Sun, 1 Apr 2018 01:45:00 +1030"),
        # The tz database calls Ireland's winter the odd one out.
        ("Europe/Dublin", "2018-10-28 01:30:00", "Sun, 28 Oct 2018 01:30:00 +0000"),
    ],
)
def test_format_reads_a_repeated_hour_as_standard_time(zone_name, stored, printed):
    assert format_date(stored, ZoneInfo(zone_name)) == printed


@pytest.mark.parametrize(
    ("zone_name", "stored", "printed"),
    [
        ("America/Sao_Paulo", "2018-11-03 23:59:59", "Sat, 3 Nov 2018 23:59:59 -0300"),
        ("America/Sao_Paulo", "2018-11-04 00:00:00", "Sun, 4 Nov 2018 01:00:00 -0200"),
        ("America/Sao_Paulo", "2018-11-04 00:59:59", "Sun, 4 Nov 2018 01:59:59 -0200"),
        ("America/Sao_Paulo", "2018-11-04 01:00:00", "Sun, 4 Nov 2018 01:00:00 -0200"),
        ("Europe/Berlin", "2018-03-25 01:59:59", "Sun, 25 Mar 2018 01:59:59 +0100"),
        ("Europe/Berlin", "2018-03-25 02:30:00", "Sun, 25 Mar 2018 03:30:00 +0200"),
        ("Europe/Berlin", "2018-03-25 03:00:00", "Sun, 25 Mar 2018 03:00:00 +0200"),
        ("America/St_Johns", "2018-03-11 02:30:00", "Sun, 11 Mar 2018 03:30:00 -0230"),
        ("America/St_Johns", "2010-03-14 00:00:59", "Sun, 14 Mar 2010 00:00:59 -0330"),
        ("America/St_Johns", "2010-03-14 00:30:00", "Sun, 14 Mar 2010 01:30:00 -0230"),
        ("Australia/Lord_Howe", "2018-10-07 02:15:00", "Sun, 7 Oct 2018 02:45:00 +1100"),
        ("Europe/Dublin", "2018-03-25 01:30:00", "Sun, 25 Mar 2018 02:30:00 +0100"),
        # A whole day, when Samoa moved across the date line.
        ("Pacific/Apia", "2011-12-30 12:00:00", "Sat, 31 Dec 2011 12:00:00 +1400"),
    ],
)
def test_format_moves_a_skipped_hour_on(zone_name, stored, printed):
    assert format_date(stored, ZoneInfo(zone_name)) == printed


@pytest.mark.parametrize(
    ("zone_name", "stored", "printed"),
    [
        ("America/Sao_Paulo", "1900-01-01 00:00:00", "Mon, 1 Jan 1900 00:00:00 -0306"),
        ("America/St_Johns", "1900-01-01 00:00:00", "Mon, 1 Jan 1900 00:00:00 -0330"),
        ("America/Caracas", "1905-01-01 00:00:00", "Sun, 1 Jan 1905 00:00:00 -0427"),
        ("Africa/Monrovia", "1950-01-01 00:00:00", "Sun, 1 Jan 1950 00:00:00 -0044"),
        ("Europe/Dublin", "1905-01-01 00:00:00", "Sun, 1 Jan 1905 00:00:00 -0025"),
        ("Europe/Moscow", "1905-01-01 00:00:00", "Sun, 1 Jan 1905 00:00:00 +0230"),
        ("Europe/Paris", "1905-01-01 00:00:00", "Sun, 1 Jan 1905 00:00:00 +0009"),
        # Less than two minutes west: only the minutes tell it from +0000.
        ("Europe/London", "1840-01-01 00:00:00", "Wed, 1 Jan 1840 00:00:00 -0001"),
    ],
)
def test_format_cuts_the_seconds_off_a_local_mean_time(zone_name, stored, printed):
    assert format_date(stored, ZoneInfo(zone_name)) == printed


@pytest.mark.parametrize("seconds", [-59, -1, 0, 1, 59])
def test_format_knows_no_negative_zero(seconds):
    zone = timezone(timedelta(seconds=seconds))
    assert format_date("1905-01-01 00:00:00", zone) == "Sun, 1 Jan 1905 00:00:00 +0000"


def print_with_email_utils(naive, zone):
    """Print a date with the library of mail headers, which knows no locale.

    Of the two readings of a local time, ``fold`` 0 and 1, a repeated time has the later, and a
    skipped one is as many minutes later as the clock was put forward.
    """
    first, second = (naive.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1))
    skipped = max(second - first, timedelta(0))
    local = (naive + skipped).replace(tzinfo=timezone(second), microsecond=0)
    printed = email.utils.format_datetime(local)
    # A mail pads the day, Python adds the seconds of an offset, and Java knows no -0000.
    printed = re.sub(r"([+-]\d{4})\d*$", r"\1", printed.replace(", 0", ", "))
    return printed.replace("-0000", "+0000")


@settings(max_examples=500, deadline=None)
@given(
    st.datetimes(datetime(2, 1, 1), datetime(9999, 12, 30)),
    st.sampled_from(sorted(available_timezones())).map(ZoneInfo),
)
@example(datetime(2018, 2, 17, 23, 30), ZoneInfo("America/Sao_Paulo"))
@example(datetime(2018, 11, 4, 0, 30), ZoneInfo("America/Sao_Paulo"))
@example(datetime(2011, 12, 30, 12), ZoneInfo("Pacific/Apia"))
@example(datetime(1900, 1, 1), ZoneInfo("America/Sao_Paulo"))
@example(datetime(2, 3, 4, 5, 6, 7, 999999), ZoneInfo("Asia/Kolkata"))
@example(datetime(1905, 1, 1), ZoneInfo("Africa/Accra"))
def test_format_agrees_with_email_utils(naive, zone):
    assert format_date(naive, zone) == print_with_email_utils(naive, zone)
    assert format_date(str(naive), zone) == print_with_email_utils(naive, zone)


@pytest.mark.parametrize("zone_name", ["UTC", "Asia/Kolkata", "America/St_Johns"])
def test_local_now_is_the_naive_present_of_the_zone(zone_name):
    zone = ZoneInfo(zone_name)
    before = datetime.now(timezone.utc)
    now = local_now(zone)
    after = datetime.now(timezone.utc)
    assert now.tzinfo is None
    offset = before.astimezone(zone).utcoffset()
    assert before <= (now - offset).replace(tzinfo=timezone.utc) <= after


@pytest.mark.sqlite  # MariaDB's columns hold dates only.
def test_list_shows_an_odd_date_as_it_is(service):
    odd = application_row(90, CHILD, date_created="0000-00-00 <00>", date_updated="")
    service.insert({"restcomm_applications": [odd]})
    path = f"/Accounts/{CHILD['sid']}/Applications"
    listed = json.loads(service.request("GET", f"{path}.json", CHILD).data)
    first = listed[0]
    assert (first["sid"], len(listed)) == (odd["sid"], 5)
    assert (first["date_created"], first["date_updated"]) == ("0000-00-00 <00>", "")
    tree = etree.fromstring(service.request("GET", path, CHILD).data)
    element = tree.find("Applications/Application")
    assert element.findtext("DateCreated") == "0000-00-00 <00>"
    assert element.findtext("DateUpdated") == ""

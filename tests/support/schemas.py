"""Restcomm's tables as Restcomm itself makes them, today and in older releases."""

# Copied by hand; "null" marks a column that may be null, "key" the primary key.
SCHEMA = {
    "restcomm_organizations": """
        sid                     VARCHAR(34) key
        domain_name             VARCHAR(255)
        date_created            DATETIME
        date_updated            DATETIME
        status                  VARCHAR(16)
    """,
    "restcomm_accounts": """
        sid                     VARCHAR(34) key
        date_created            DATETIME
        date_updated            DATETIME
        email_address           MEDIUMTEXT
        friendly_name           VARCHAR(64)
        parent_sid              VARCHAR(34) null
        type                    VARCHAR(8)
        status                  VARCHAR(16)
        auth_token              VARCHAR(32)
        role                    VARCHAR(64)
        uri                     MEDIUMTEXT
        organization_sid        VARCHAR(34)
    """,
    "restcomm_applications": """
        sid                     VARCHAR(34) key
        date_created            DATETIME
        date_updated            DATETIME
        friendly_name           VARCHAR(64)
        account_sid             VARCHAR(34)
        api_version             VARCHAR(10)
        voice_caller_id_lookup  BOOLEAN
        uri                     MEDIUMTEXT
        rcml_url                MEDIUMTEXT null
        kind                    VARCHAR(5) null
    """,
    "restcomm_incoming_phone_numbers": """
        sid                     VARCHAR(34) key
        date_created            DATETIME
        date_updated            DATETIME
        friendly_name           VARCHAR(256)
        account_sid             VARCHAR(34)
        phone_number            VARCHAR(30)
        api_version             VARCHAR(10)
        voice_caller_id_lookup  BOOLEAN
        voice_url               MEDIUMTEXT null
        voice_method            VARCHAR(4) null
        voice_fallback_url      MEDIUMTEXT null
        voice_fallback_method   VARCHAR(4) null
        status_callback         MEDIUMTEXT null
        status_callback_method  VARCHAR(4) null
        voice_application_sid   VARCHAR(34) null
        sms_url                 MEDIUMTEXT null
        sms_method              VARCHAR(4) null
        sms_fallback_url        MEDIUMTEXT null
        sms_fallback_method     VARCHAR(4) null
        sms_application_sid     VARCHAR(34) null
        uri                     MEDIUMTEXT
        voice_capable           BOOLEAN null
        sms_capable             BOOLEAN null
        mms_capable             BOOLEAN null
        fax_capable             BOOLEAN null
        pure_sip                BOOLEAN null
        cost                    VARCHAR(10) null
        ussd_url                MEDIUMTEXT null
        ussd_method             VARCHAR(4) null
        ussd_fallback_url       MEDIUMTEXT null
        ussd_fallback_method    VARCHAR(4) null
        ussd_application_sid    VARCHAR(34) null
        refer_url               MEDIUMTEXT null
        refer_method            VARCHAR(4) null
        refer_application_sid   VARCHAR(34) null
        organization_sid        VARCHAR(34)
    """,
    "restcomm_clients": """
        sid                     VARCHAR(34) key
        date_created            DATETIME
        date_updated            DATETIME
        account_sid             VARCHAR(34)
        api_version             VARCHAR(10)
        friendly_name           VARCHAR(64)
        login                   VARCHAR(64)
        password                VARCHAR(64)
        status                  INTEGER
        voice_url               MEDIUMTEXT null
        voice_method            VARCHAR(4) null
        voice_fallback_url      MEDIUMTEXT null
        voice_fallback_method   VARCHAR(4) null
        voice_application_sid   VARCHAR(34) null
        uri                     MEDIUMTEXT
        push_client_identity    VARCHAR(34) null
        password_algorithm      VARCHAR(34) null
    """,
}

_REFER = ("refer_url", "refer_method", "refer_application_sid")
# What older releases lacked: {release: (tables, columns)}.
AGES = {
    "today": ((), ()),
    "before transfers": ((), _REFER),
    "before organizations": (("restcomm_organizations",), (*_REFER, "organization_sid")),
}
# As an operator may have added them: the names are not this service's.
INDEXES = (
    "CREATE UNIQUE INDEX domains ON restcomm_organizations (domain_name)",
    "CREATE INDEX owned ON restcomm_applications (account_sid, date_created, sid)",
    "CREATE INDEX updated ON restcomm_applications (account_sid, date_updated, sid)",
    "CREATE INDEX named ON restcomm_applications (account_sid, friendly_name, date_created, sid)",
    "CREATE INDEX kinds ON restcomm_applications (account_sid, kind, date_created, sid)",
    "CREATE INDEX numbers ON restcomm_incoming_phone_numbers (account_sid)",
)


def make_tables(connection, age="today", lines=None, options=None):
    """Create the tables of an age in an empty database; give {table: its columns}.

    ``lines`` is {(table, column): line} and stands in for lines of SCHEMA, a line of None leaves
    the column out; ``options`` is {table: what stands behind the columns}.
    """
    missing_tables, missing_columns = AGES[age]
    made = {}
    for table in SCHEMA.keys() - set(missing_tables):
        declared = {line.split()[0]: line for line in SCHEMA[table].strip().splitlines()}
        changed = {key: line for key, line in (lines or {}).items() if key[0] == table}
        declared |= {column: line for (_, column), line in changed.items()}
        declared |= dict.fromkeys(missing_columns)
        columns = {column: _declare(line) for column, line in declared.items() if line}
        connection.execute(
            f"CREATE TABLE {table} ({', '.join(columns.values())}) {(options or {}).get(table, '')}"
        )
        made[table] = set(columns)
    return made


def _declare(line):
    name, declared, *marks = line.split()
    key = "PRIMARY KEY" if "key" in marks else ""
    return f"{name} {declared} {'NULL' if 'null' in marks else 'NOT NULL'} {key}"

"""Writes to the database of a stopped or running Samba domain controller, past its LDAP server.

    directory.py accounts SMB_CONF SAM_LDB SECRETS_DIR
    directory.py names SMB_CONF SAM_LDB
    directory.py load [--kerberos] SMB_CONF SAM_LDB LDIF...

Called by `dc`; needs Debian's python3-samba.
"""
import argparse
import base64
import os
import sys
import time
import uuid

import ldb
from samba import dsdb
from samba.auth import system_session
from samba.credentials import Credentials
from samba.param import LoadParm
from samba.samdb import SamDB

# The end of a transaction costs a sync, and an entry costs the more the larger its transaction has
# grown. For 10,000 accounts: 64 s with 100, 78 s with 500, 111 s with 2,000.
ENTRIES_A_TRANSACTION = 100

# What the directory fills in itself. An entry may show it, as an export does; it is not written.
MADE_BY_THE_DIRECTORY = {
    "badpasswordtime", "badpwdcount", "distinguishedname", "instancetype", "iscriticalsystemobject",
    "lastlogon", "lastlogontimestamp", "logoncount", "memberof", "name", "objectcategory", "objectguid",
    "objectsid", "samaccounttype", "usnchanged", "usncreated", "whenchanged", "whencreated",
}
PASSWORDS = ("unicodePwd", "clearTextPassword", "userPassword")
RAW_PASSWORD = f"local_oid:{dsdb.DSDB_CONTROL_BYPASS_PASSWORD_HASH_OID}:0"
# Written when everything that they can name is there.
LINKS = ("member", "manager", "managedBy", "msDS-PSOAppliesTo", "primaryGroupID")


def main():
    parser = argparse.ArgumentParser(description="writes to a Samba domain controller's database")
    commands = parser.add_subparsers(dest="command", required=True)
    accounts = commands.add_parser("accounts", help="the administrator's password, and the account that runs sign in with")
    accounts.add_argument("smb_conf")
    accounts.add_argument("sam_ldb")
    accounts.add_argument("secrets", help="directory with one file per account, named after it, that holds its password")
    names = commands.add_parser("names", help="register the Kerberos services of every controller")
    names.add_argument("smb_conf")
    names.add_argument("sam_ldb")
    loading = commands.add_parser("load", help="load LDIF")
    loading.add_argument("--kerberos", action="store_true",
                         help="let the server hash each password, Kerberos keys included: about 15 times slower")
    loading.add_argument("smb_conf")
    loading.add_argument("sam_ldb")
    loading.add_argument("ldif", nargs="+")
    arguments = parser.parse_args()

    database = open_database(arguments.smb_conf, arguments.sam_ldb)
    if arguments.command == "accounts":
        make_accounts(database, arguments.secrets)
        return 0
    if arguments.command == "names":
        register_services(database)
        return 0
    return Load(database, arguments.kerberos).files(arguments.ldif)


def open_database(smb_conf, sam_ldb):
    parameters = LoadParm()
    parameters.load(smb_conf)
    return SamDB(sam_ldb, session_info=system_session(), lp=parameters)


def register_services(database):
    """What samba_spnupdate does where there is DNS: LDAP for clients, and replication."""
    base = str(database.domain_dn())
    realm = database.domain_dns_name()
    sites = f"CN=Sites,CN=Configuration,{base}"
    for settings in database.search(base=sites, expression="(objectClass=nTDSDSA)", attrs=["objectGUID"]):
        guid = uuid.UUID(bytes_le=bytes(settings["objectGUID"][0]))
        server = database.search(base=settings.dn.parent(), scope=ldb.SCOPE_BASE, attrs=["dNSHostName", "serverReference"])[0]
        host = str(server["dNSHostName"][0])
        computer = ldb.Dn(database, str(server["serverReference"][0]))
        names = [f"ldap/{host}", f"ldap/{host}/{realm}", f"ldap/{guid}._msdcs.{realm}",
                 f"E3514235-4B06-11D1-AB04-00C04FC2DCD2/{guid}/{realm}"]
        known = database.search(base=computer, scope=ldb.SCOPE_BASE, attrs=["servicePrincipalName"])[0]
        known = {str(name).lower() for name in known.get("servicePrincipalName", [])}
        missing = [name for name in names if name.lower() not in known]
        if missing:
            change = ldb.Message(computer)
            change["servicePrincipalName"] = ldb.MessageElement(missing, ldb.FLAG_MOD_ADD, "servicePrincipalName")
            database.modify(change)


def make_accounts(database, secrets):
    """The reset account is a domain administrator: one that is less cannot reset the privileged."""
    base = str(database.domain_dn())
    dn = f"CN=svc-identity-reset,CN=Users,{base}"
    database.transaction_start()
    database.modify_ldif(password_change(f"CN=Administrator,CN=Users,{base}", secret(secrets, "Administrator")))
    database.add({
        "dn": dn,
        "objectClass": "user",
        "sAMAccountName": "svc-identity-reset",
        "description": "signs in for mass resets",
        "userAccountControl": "66048",  # normal account, password never expires
        "unicodePwd": quoted(secret(secrets, "svc-identity-reset")),
    })
    database.modify_ldif(f"dn: CN=Domain Admins,CN=Users,{base}\nchangetype: modify\nadd: member\nmember: {dn}\n")
    database.transaction_commit()


class Load:
    """One loading of LDIF files: entries first, then what links them."""

    def __init__(self, database, kerberos):
        self.database = database
        self.kerberos = kerberos
        self.hasher = Credentials()
        self.added_links = {}
        self.later = []
        self.added = self.passwords = self.existed = self.open_entries = 0
        self.refused = []

    def files(self, paths):
        begun = time.monotonic()
        self.database.transaction_start()
        for path in paths:
            with open(path, encoding="utf-8") as ldif:
                for change, entry in self.database.parse_ldif(ldif.read()):
                    if change == ldb.CHANGETYPE_MODIFY:
                        self.modification(entry)
                    elif change in (ldb.CHANGETYPE_NONE, ldb.CHANGETYPE_ADD):
                        self.entry(entry)
                    else:
                        self.refused.append(f"{entry.dn}: LDIF that deletes or renames is not loaded")
        for change in [*self.added_links.values(), *self.later]:
            self.write(lambda change=change: self.database.modify(change), change.dn)
        self.database.transaction_commit()
        self.report(time.monotonic() - begun)
        return 1 if self.refused else 0

    def entry(self, entry):
        for attribute in list(entry.keys()):
            if attribute.lower() in MADE_BY_THE_DIRECTORY:
                del entry[attribute]
        self.take_links(entry)
        if exists(self.database, entry.dn):
            # A group or container that provisioning made: only its links are taken.
            self.existed += 1
            return
        controls = self.take_password(entry)
        if self.write(lambda: self.database.add(entry, controls=controls), entry.dn):
            self.added += 1
            self.passwords += "unicodePwd" in entry

    def take_links(self, entry):
        for attribute in LINKS:
            if attribute in entry:
                change = ldb.Message(entry.dn)
                flag = ldb.FLAG_MOD_REPLACE if attribute == "primaryGroupID" else ldb.FLAG_MOD_ADD
                change[attribute] = ldb.MessageElement(list(entry[attribute]), flag, attribute)
                del entry[attribute]
                self.modification(change)

    def modification(self, change):
        """Values added to one attribute of one entry become one write: a group is written as a
        whole each time, so that adding members one by one takes the square of their number."""
        elements = [change[attribute] for attribute in change.keys() if attribute != "dn"]
        if len(elements) != 1 or elements[0].flags() != ldb.FLAG_MOD_ADD:
            self.later.append(change)
            return
        key = (change.dn.get_casefold(), change.keys()[-1].lower())
        merged = self.added_links.get(key)
        if merged is None:
            self.added_links[key] = change
        else:
            name = merged.keys()[-1]
            values = [*merged[name], *elements[0]]
            merged[name] = ldb.MessageElement(values, ldb.FLAG_MOD_ADD, name)

    def take_password(self, entry):
        """The hash that a simple bind is checked with, unless Kerberos keys are asked for: those
        cost 4,096 rounds each, which is nearly all the time of an account with a password."""
        given = next((attribute for attribute in PASSWORDS if attribute in entry), None)
        if given is None:
            return []
        password = clear_text(given, entry[given][0])
        for attribute in PASSWORDS:
            if attribute in entry:
                del entry[attribute]
        if self.kerberos:
            entry["unicodePwd"] = ldb.MessageElement(quoted(password), ldb.FLAG_MOD_ADD, "unicodePwd")
            return []
        self.hasher.set_password(password)
        entry["unicodePwd"] = ldb.MessageElement(bytes(self.hasher.get_nt_hash()), ldb.FLAG_MOD_ADD, "unicodePwd")
        if "pwdLastSet" not in entry:
            entry["pwdLastSet"] = ldb.MessageElement(str(filetime_now()), ldb.FLAG_MOD_ADD, "pwdLastSet")
        return [RAW_PASSWORD]

    def write(self, operation, dn):
        try:
            operation()
        except ldb.LdbError as error:
            self.refused.append(f"{dn}: {error.args[1].strip()}")
            return False
        self.open_entries += 1
        if self.open_entries == ENTRIES_A_TRANSACTION:
            self.database.transaction_commit()
            self.database.transaction_start()
            self.open_entries = 0
        return True

    def report(self, seconds):
        print(f"{self.added} entries added ({self.passwords} with a password), {self.existed} were there, "
              f"{len(self.refused)} refused, in {seconds:.1f} s", file=sys.stderr)
        for line in self.refused[:20]:
            print(f"refused: {line}", file=sys.stderr)


def exists(database, dn):
    try:
        return len(database.search(base=dn, scope=ldb.SCOPE_BASE, attrs=["1.1"])) == 1
    except ldb.LdbError as error:
        if error.args[0] == ldb.ERR_NO_SUCH_OBJECT:
            return False
        raise


def clear_text(attribute, value):
    """`unicodePwd` and `clearTextPassword` are UTF-16, the former in quotes; `userPassword` is UTF-8."""
    value = bytes(value)
    if attribute == "userPassword":
        return value.decode("utf-8")
    text = value.decode("utf-16-le")
    return text[1:-1] if attribute == "unicodePwd" else text


def password_change(dn, password):
    value = base64.b64encode(quoted(password)).decode("ascii")
    return f"dn: {dn}\nchangetype: modify\nreplace: unicodePwd\nunicodePwd:: {value}\n"


def quoted(password):
    """The value of unicodePwd (MS-ADTS 3.1.1.3.1.5.1)."""
    return f'"{password}"'.encode("utf-16-le")


def secret(directory, name):
    with open(os.path.join(directory, name), encoding="utf-8") as file:
        return file.read()


def filetime_now():
    """Tenths of microseconds since 1601."""
    return (int(time.time()) + 11644473600) * 10_000_000


if __name__ == "__main__":
    sys.exit(main())

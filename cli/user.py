"""``hydro user``: add, list and change the people who may sign in."""

from __future__ import annotations

import argparse
import getpass
import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.user import Role

if TYPE_CHECKING:
    from models.user import User
    from stores.accounts import Accounts

LINK_LASTS = timedelta(minutes=10)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("site", type=Path, help="folder of the site")
    parser.add_argument("--json", action="store_true", help="answer as JSON")
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="answer as JSON")
    actions = parser.add_subparsers(dest="action", metavar="ACTION", title="actions")
    actions.add_parser("list", parents=[shared], help="list who may sign in (the default)")
    named = argparse.ArgumentParser(add_help=False, parents=[shared])
    named.add_argument("name", help="what the person signs in with")
    named.add_argument("--by", default="", metavar="NAME", help="the person who acts (this machine's user)")
    add = actions.add_parser(
        "add", parents=[named], help="add a person; the password is asked for, or read from a pipe"
    )
    add.add_argument("--role", required=True, choices=[str(role) for role in Role], help="what the person may do")
    add.add_argument("--full-name", default="", help="what stands on orders (the name)")
    change = actions.add_parser("change", parents=[named], help="change a role or a full name")
    change.add_argument("--role", choices=[str(role) for role in Role], help="what the person may do")
    change.add_argument("--full-name", help="what stands on orders")
    actions.add_parser("password", parents=[named], help="set a new password; every session of the person ends")
    actions.add_parser("disable", parents=[named], help="let a person no longer sign in")
    actions.add_parser("enable", parents=[named], help="let a person sign in again")
    actions.add_parser("link", parents=[named], help="print a path that signs one browser in, once, within ten minutes")


def run(args: argparse.Namespace) -> int:
    """Do one thing and answer."""
    from models.site_file import load_site
    from stores.accounts import Accounts
    from stores.records import Records

    site = load_site(args.site)
    with Records(site.stores.records_url) as records:
        accounts = Accounts(records.database)
        if args.action == "link":
            _answer(args, {"path": _link(accounts, args)}, "{path}")
        elif args.action in (None, "list"):
            _list(accounts, args)
        else:
            told = _document(_changed(accounts, args))
            _answer(args, told, "{name}: {full_name}, {role}")
    return 0


def _changed(accounts: Accounts, args: argparse.Namespace) -> User:
    from models.user import User

    by = args.by or getpass.getuser()
    match args.action:
        case "add":
            password = _password(args.name)
            user = User(args.name, args.full_name or args.name, Role(args.role), datetime.now(UTC))
            return accounts.add_user(user, password, by)
        case "password":
            return accounts.change_user(args.name, by, password=_password(args.name))
        case "change":
            role = None if args.role is None else Role(args.role)
            return accounts.change_user(args.name, by, full_name=args.full_name, role=role)
        case _:
            return accounts.change_user(args.name, by, disabled=args.action == "disable")


def _password(name: str) -> str:
    """Return the hash of a password that is asked for at a terminal, or read from a pipe."""
    from api.passwords import hash_password
    from models.problem import BadInput
    from models.user import account_problems

    if sys.stdin.isatty():
        password = getpass.getpass(f"password for {name}: ")
        if getpass.getpass("again: ") != password:
            raise BadInput.of(f"user {name}: the two passwords differ")
    else:
        password = sys.stdin.readline().rstrip("\n")
    problems = account_problems(name, password)
    if problems:
        raise BadInput(problems)
    return hash_password(password)


def _link(accounts: Accounts, args: argparse.Namespace) -> str:
    from api.access import LINK
    from api.passwords import digest, new_secret
    from models.user import Token

    user, secret, now = accounts.user(args.name), new_secret(), datetime.now(UTC)
    accounts.add_token(digest(secret), Token(0, user.name, LINK, user.role, now, now + LINK_LASTS))
    return f"/sign-in?link={secret}"


def _list(accounts: Accounts, args: argparse.Namespace) -> None:
    users = [_document(user) for user in accounts.users()]
    if args.json:
        sys.stdout.write(json.dumps({"users": users}, ensure_ascii=False) + "\n")
        return
    lines = [f"{one['name']}: {one['full_name']}, {one['role']}{', disabled' * one['disabled']}\n" for one in users]
    sys.stdout.write("".join(lines) or "nobody may sign in yet\n")


def _document(user: User) -> dict[str, Any]:
    return {
        "name": user.name,
        "full_name": user.full_name,
        "role": str(user.role),
        "created": user.created.isoformat(),
        "disabled": user.disabled,
    }


def _answer(args: argparse.Namespace, document: dict[str, Any], words: str) -> None:
    said = json.dumps(document, ensure_ascii=False) if args.json else words.format(**document)
    sys.stdout.write(said + "\n")

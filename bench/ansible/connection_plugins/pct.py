# Commands and files in a container of the same hypervisor, by pct. For comparison only: it does no more than bench needs.
import subprocess

from ansible.errors import AnsibleError
from ansible.plugins.connection import ConnectionBase

DOCUMENTATION = """
name: pct
short_description: containers by pct exec
description: Commands run by pct exec; files travel by standard input.
options:
  container:
    description: The container's number.
    vars:
      - name: ansible_host
"""


class Connection(ConnectionBase):
    transport = "pct"
    has_pipelining = True

    def _connect(self):
        self._connected = True
        return self

    def _pct(self, argv, in_data=None):
        command = ["pct", "exec", self.get_option("container"), "--", *argv]
        done = subprocess.run(command, input=in_data, capture_output=True, check=False)
        return done.returncode, done.stdout, done.stderr

    def exec_command(self, cmd, in_data=None, sudoable=True):
        super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        return self._pct(["/bin/sh", "-c", cmd], in_data or b"")

    def put_file(self, in_path, out_path):
        with open(in_path, "rb") as file:
            code, _, said = self._pct(["/bin/sh", "-c", 'cat >"$0"', out_path], file.read())
        if code != 0:
            raise AnsibleError(f"cannot write {out_path}: {said!r}")

    def fetch_file(self, in_path, out_path):
        code, text, said = self._pct(["cat", in_path])
        if code != 0:
            raise AnsibleError(f"cannot read {in_path}: {said!r}")
        with open(out_path, "wb") as file:
            file.write(text)

    def close(self):
        self._connected = False

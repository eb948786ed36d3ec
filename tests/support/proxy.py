"""Nginx."""

import os
from pathlib import Path

from tests.support.process import Part, accepts, program

FRAME = """
daemon off;
master_process off;  # one process: a killed master would leave its workers behind
{user}
pid {folder}/nginx.pid;
error_log stderr notice;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
{http}
}}
"""

# passes websockets on to ``address``, with default buffers
WEBSOCKETS = """
map $http_upgrade $connection_upgrade {{ default upgrade; '' close; }}
server {{
    listen 127.0.0.1:{port};
    location / {{
        proxy_pass http://{address};
        proxy_http_version 1.1;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection $connection_upgrade;
        proxy_set_header Host $http_host;
    }}
}}
"""


def nginx(folder: Path, http: str, port: int) -> Part:
    """Nginx with ``http`` (server blocks and what else belongs there); ready when ``port`` accepts."""
    folder.mkdir(parents=True, exist_ok=True)
    config_file = folder / "nginx.conf"
    user = "user root;" if os.getuid() == 0 else ""
    config_file.write_text(FRAME.format(folder=folder, http=http, user=user))
    command: list[str | Path] = [program("nginx", "nginx-light"), "-p", folder, "-c", config_file, "-e", "stderr"]
    return Part("nginx", folder, command, lambda: accepts(port))

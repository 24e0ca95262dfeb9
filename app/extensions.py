"""The Flask extensions, made here and bound to an application in `create_app`."""

from flask_htmx import HTMX
from flask_migrate import Migrate
from flask_wtf.csrf import CSRFProtect

from app.database import Database
from app.mail_server import Mail
from app.models.base import Base

db = Database(model_class=Base)
migrate = Migrate()
csrf = CSRFProtect()
htmx = HTMX()
mail = Mail()

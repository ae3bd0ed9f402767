"""What the demo shop sells and which pages it has: coffee and tea gear."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Product:
    """``price`` in cents; ``cost`` of goods in per cent of the price; ``weight`` is the popularity."""

    item_id: str
    name: str
    category: str
    brand: str
    price: int
    cost: int
    weight: float

    @property
    def slug(self) -> str:
        """The last part of the product's path."""
        return self.name.lower().replace(" ", "-").replace(".", "")

    @property
    def cost_cents(self) -> int:
        """Cost of one piece in cents."""
        return (self.price * self.cost + 50) // 100


_RANGE = """
grinders|Hand Grinder Mini|Mahlwerk|4990|46;Hand Grinder Pro|Mahlwerk|11900|48;Electric Grinder One|Mahlwerk|14900|55
grinders|Electric Grinder Duo|Nordkorn|21900|57;Travel Grinder|Nordkorn|3950|44;Flat Burr Grinder|Nordkorn|28900|60
grinders|Spare Burr Set|Mahlwerk|2490|35;Grinder Brush|Nordkorn|790|25
brewers|Glass Dripper|Kegel|2490|38;Ceramic Dripper|Kegel|2990|40;Steel Dripper|Kegel|3490|42
brewers|French Press 350|Salon|2790|41;French Press 1000|Salon|3990|43;Moka Pot 3 Cups|Fuoco|2990|47
brewers|Moka Pot 6 Cups|Fuoco|3890|48;Cold Brew Jar|Salon|2650|39;Siphon Set|Kegel|8900|52
brewers|Drip Machine|Fuoco|17900|61;Lever Espresso Maker|Fuoco|29900|58
kettles|Gooseneck Kettle|Strahl|5490|49;Electric Gooseneck Kettle|Strahl|10900|54;Stovetop Kettle|Strahl|3990|45
kettles|Travel Kettle|Strahl|3290|47;Kettle Thermometer|Strahl|1290|32
coffee|House Blend 250g|Hafen|890|41;House Blend 1kg|Hafen|2990|45;Espresso Roast 250g|Hafen|950|42
coffee|Espresso Roast 1kg|Hafen|3190|46;Ethiopia Natural 250g|Hafen|1290|47;Colombia Washed 250g|Hafen|1190|46
coffee|Kenya Peaberry 250g|Hafen|1390|48;Decaf 250g|Hafen|990|43;Tasting Box|Hafen|2490|50
coffee|Brazil Cerrado 1kg|Hafen|2790|47
tea|Earl Grey Tin|Teeblatt|1090|36;Assam Tin|Teeblatt|990|35;Sencha Tin|Teeblatt|1450|39
tea|Jasmine Pearls|Teeblatt|1690|41;Rooibos Bag|Teeblatt|790|33;Peppermint Bag|Teeblatt|690|31
tea|Matcha Set|Teeblatt|3990|44;Tea Sampler|Teeblatt|1990|38
cups|Espresso Cup|Ton|990|30;Cappuccino Cup|Ton|1290|31;Latte Glass|Salon|1090|34
cups|Double Wall Glass|Salon|1490|36;Travel Mug|Strahl|2490|42;Tea Bowl|Ton|1190|29
cups|Tea Pot 800|Ton|3490|37;Cup Set of 6|Ton|5990|40
accessories|Paper Filters 100|Kegel|590|28;Cloth Filter|Kegel|1190|33;Digital Scale|Strahl|3490|45
accessories|Timer Scale|Strahl|7990|51;Tamper 58|Fuoco|2990|39;Milk Jug|Fuoco|1990|37
accessories|Knock Box|Fuoco|2490|38;Cleaning Tabs|Fuoco|1090|30;Storage Tin|Nordkorn|1690|34
accessories|Gift Card Box|Hafen|350|20
"""

_POPULAR = (9, 25, 27, 51, 29, 0, 12, 43, 20, 53)  # row numbers that sell several times as often as the rest


def _products() -> tuple[Product, ...]:
    found: list[Product] = []
    for line in _RANGE.strip().splitlines():
        category, rest = line.split("|", 1)
        for entry in rest.split(";"):
            name, brand, price, cost = entry.split("|")
            row = len(found)
            weight = 5.0 - 0.3 * _POPULAR.index(row) if row in _POPULAR else 1.0
            found.append(Product(f"SKU-{row + 1:03d}", name, category, brand, int(price), int(cost), weight))
    return tuple(found)


PRODUCTS: tuple[Product, ...] = _products()
CATEGORIES: tuple[str, ...] = tuple(dict.fromkeys(p.category for p in PRODUCTS))
TERMS: tuple[str, ...] = ("grinder", "filter", "espresso", "matcha", "gift", "kettle", "decaf", "scale")

# Pages that are neither product nor category; the first CONTENT ones are read, the rest belong to the way to the order.
READ: tuple[tuple[str, str], ...] = (
    ("/", "Kaffeekiste"),
    ("/pricing", "Subscriptions and prices"),
    ("/about", "About us"),
    ("/help/shipping", "Shipping"),
    ("/help/returns", "Returns"),
    *((f"/blog/{slug}", slug.replace("-", " ").capitalize()) for slug in (
        "how-to-brew-pour-over", "grind-size-explained", "water-for-coffee", "cold-brew-at-home",
        "best-beans-of-the-year", "green-tea-basics", "descaling-a-kettle",
    )),
)  # fmt: skip
READ_WEIGHTS: tuple[float, ...] = (10, 2, 1, 2, 1.5, 1.5, 1.5, 1, 1, 1, 0.8, 0.7)
WAY: tuple[tuple[str, str], ...] = (
    ("/search", "Search"),
    ("/cart", "Cart"),
    ("/checkout", "Checkout: address"),
    ("/checkout/shipping", "Checkout: shipping"),
    ("/checkout/payment", "Checkout: payment"),
    ("/order/confirmed", "Thank you"),
)
PAGES: tuple[tuple[str, str], ...] = (
    *READ,
    *WAY,
    *((f"/c/{c}", c.capitalize()) for c in CATEGORIES),
    *((f"/p/{p.slug}", p.name) for p in PRODUCTS),
)
SEARCH, CART, CHECKOUT, SHIPPING, PAYMENT, CONFIRMED = range(len(READ), len(READ) + len(WAY))
FIRST_CATEGORY = len(READ) + len(WAY)
FIRST_PRODUCT = FIRST_CATEGORY + len(CATEGORIES)
HOST = "www.kaffeekiste.example"

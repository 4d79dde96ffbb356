// SPDX-License-Identifier: MIT
#pragma once

/// The words a made-up household is made of.
#include <array>
#include <cstdint>
#include <string_view>

namespace casasync::examples::words {

struct top_category {
    std::string_view name;
    std::string_view kind;
    std::array<std::string_view, 7> leaves;  ///< empty names at the end
};

inline constexpr auto categories = std::to_array<top_category>({
    {"Income", "income", {"Salary", "Interest", "Refunds", "Gifts received"}},
    {"Home", "expense", {"Rent", "Electricity", "Water", "Internet", "Furniture", "Repairs", "Garden"}},
    {"Food", "expense", {"Groceries", "Eating out", "Coffee", "Lunch at work", "Bakery"}},
    {"Transport", "expense", {"Public transport", "Fuel", "Car", "Bicycle", "Taxi"}},
    {"Health", "expense", {"Pharmacy", "Doctor", "Dentist", "Sport"}},
    {"Leisure", "expense", {"Books", "Music", "Cinema", "Games", "Travel", "Subscriptions"}},
    {"Family", "expense", {"School", "Clothes", "Toys", "Pets"}},
    {"Giving", "expense", {"Gifts", "Donations"}},
    {"Money", "expense", {"Bank fees", "Taxes", "Insurance"}},
    {"Work", "expense", {"Equipment", "Training", "Travel for work"}},
});

/// A sort of place where money goes: what it is called, what it is for, and how much is usual, in cents.
struct shop {
    std::string_view name;
    std::string_view category;
    std::int64_t least;
    std::int64_t most;
};

/// The frequent ones come first.
inline constexpr auto shops = std::to_array<shop>({
    {"Market", "Groceries", 350, 9'500},
    {"Bakery", "Bakery", 120, 1'450},
    {"Café", "Coffee", 180, 980},
    {"Canteen", "Lunch at work", 450, 1'250},
    {"Trattoria", "Eating out", 1'200, 8'800},
    {"City Transport", "Public transport", 240, 4'900},
    {"Petrol Station", "Fuel", 2'000, 9'900},
    {"Pharmacy", "Pharmacy", 380, 4'600},
    {"Bookshop", "Books", 700, 5'400},
    {"Sushi Bar", "Eating out", 1'400, 7'600},
    {"Garden Centre", "Garden", 600, 12'000},
    {"Cinema", "Cinema", 900, 3'600},
    {"Toy Shop", "Toys", 800, 6'900},
    {"Clothing", "Clothes", 1'500, 18'000},
    {"Taxi", "Taxi", 800, 4'200},
    {"Bicycle Workshop", "Bicycle", 900, 22'000},
    {"Hardware Store", "Repairs", 400, 15'000},
    {"Animal Clinic", "Pets", 2'500, 24'000},
    {"Dr.", "Doctor", 2'000, 19'000},
    {"Dental Practice", "Dentist", 4'000, 65'000},
    {"Hotel", "Travel", 6'900, 48'000},
    {"Furniture", "Furniture", 2'900, 120'000},
    {"Music School", "Music", 2'500, 9'000},
    {"Garage", "Car", 4'500, 98'000},
    {"Office Supply", "Equipment", 900, 45'000},
    {"Relief Fund", "Donations", 1'000, 20'000},
});

struct monthly_payment {
    std::string_view payee;
    std::string_view category;
    std::int64_t amount;  ///< in cents; negative: spent
    int day;
};

inline constexpr auto monthly = std::to_array<monthly_payment>({
    {"Harbour Engineering Ltd", "Salary", 342'000, 27},
    {"Linden Housing", "Rent", -118'500, 1},
    {"Northern Power", "Electricity", -7'400, 5},
    {"Town Water Works", "Water", -3'150, 6},
    {"Fibre & Co", "Internet", -3'999, 10},
    {"Streamline Video", "Subscriptions", -1'299, 14},
    {"Mutual Insurance", "Insurance", -8'620, 15},
    {"Morning Paper", "Subscriptions", -1'890, 20},
});

inline constexpr auto surnames = std::to_array<std::string_view>(
    {"Rossi",     "Müller",  "Novak",     "García",   "Andersson", "Dubois",  "Kowalski",  "Østergaard",
     "Silva",     "O'Brien", "Papadakis", "Yilmaz",   "Nguyễn",    "Tanaka",  "Schmidt",   "Moreau",
     "Lindqvist", "Šimić",   "Horváth",   "Ivanova",  "Haddad",    "Okafor",  "Fernández", "Weber",
     "Bianchi",   "Jansen",  "Peeters",   "Virtanen", "Larsen",    "Popescu", "Petrović",  "Kaya",
     "Mendes",    "Brown",   "Wilson",    "Singh",    "Khan",      "Chen",    "Kim",       "Sato",
     "Eriksen",   "Fischer", "Costa",     "Ferrari"});

inline constexpr auto notes = std::to_array<std::string_view>(
    {"lunch with Anna", "birthday of Tom", "shared with Marie, she pays next time", "returned the lamp",
     "annual check-up", "for the trip to Lisbon", "on sale", "paid in cash", "invoice in the blue folder",
     "Kaffee & Kuchen – Oma", "split the bill", "\"two for one\"", "deposit comes back",
     "50 % work, 50 % private", "zażółć gęślą jaźń", "tip included 🙂"});

inline constexpr auto tags = std::to_array<std::string_view>(
    {"holiday", "shared", "tax", "reimbursed", "children", "work", "gift", "to check", "cash", "online",
     "warranty", "summer", "winter", "Lisbon 2024"});

/// What people name new tags after; short, so that two devices come upon the same one.
inline constexpr auto new_tags =
    std::to_array<std::string_view>({"wedding", "renovation", "new baby", "moving", "garden", "festival",
                                     "business", "savings", "health", "party"});

inline constexpr auto colors =
    std::to_array<std::string_view>({"#d1495b", "#edae49", "#00798c", "#30638e", "#6a4c93", "#588157"});

struct account {
    std::string_view name;
    std::string_view kind;
    std::string_view currency;
};

inline constexpr auto accounts = std::to_array<account>({
    {"Current account", "current", "EUR"},
    {"Credit card", "card", "EUR"},
    {"Wallet", "cash", "EUR"},
    {"Savings", "savings", "EUR"},
    {"Travel card", "card", "USD"},
    {"Konto Zürich", "current", "CHF"},
    {"London account", "current", "GBP"},
    {"Shared with Marie", "current", "EUR"},
    {"Tokyo wallet", "cash", "JPY"},
    {"Funds", "investment", "EUR"},
});

/// How many minor units of a currency buy what 100 cents of a euro buy. A guess that keeps amounts plausible.
struct currency {
    std::string_view code;
    std::int64_t per_100_cents;
};

inline constexpr auto currencies = std::to_array<currency>({
    {"EUR", 100},
    {"USD", 108},
    {"GBP", 85},
    {"CHF", 95},
    {"JPY", 162},
    {"SEK", 1'130},
    {"PLN", 430},
});

}  // namespace casasync::examples::words

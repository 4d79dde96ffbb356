// SPDX-License-Identifier: MIT
#pragma once

/// A vector that keeps a few elements in itself, and allocates for more.

#include <algorithm>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

namespace casasync::detail {

/// As std::vector, as far as it goes, but for what moving does: elements that lie in place are moved one by
/// one, so that references to them end. Fewer than 2^32 elements.
///
/// \cost  no allocation for up to N elements. Thread rule: as std::vector.
template <class T, std::uint32_t N>
class small_vector {
    static_assert(N > 0 && std::is_nothrow_move_constructible_v<T>);

 public:
    using value_type = T;
    using size_type = std::size_t;
    using difference_type = std::ptrdiff_t;
    using reference = T&;
    using const_reference = const T&;
    using iterator = T*;
    using const_iterator = const T*;

    small_vector() noexcept {}
    template <std::input_iterator It>
    requires std::sized_sentinel_for<It, It> small_vector(It first, It last) : small_vector() {
        append(first, last);
    }
    small_vector(std::initializer_list<T> all) : small_vector(all.begin(), all.end()) {}
    // NOLINTNEXTLINE(google-explicit-constructor): a list of the same elements
    small_vector(const std::vector<T>& all) : small_vector(all.begin(), all.end()) {}
    small_vector(std::vector<T>&& all)  // NOLINT(google-explicit-constructor)
        : small_vector(std::make_move_iterator(all.begin()), std::make_move_iterator(all.end())) {}
    small_vector(const small_vector& other) : small_vector() {
        if (is_plain && other.capacity_ <= N)
            copy_plain(other);
        else
            append(other.begin(), other.end());
    }
    small_vector(small_vector&& other) noexcept { take(other); }
    ~small_vector() { drop(); }

    small_vector& operator=(const small_vector& other) {
        if (this != &other) assign(other.begin(), other.end());
        return *this;
    }
    small_vector& operator=(small_vector&& other) noexcept {
        if (this == &other) return *this;
        drop();
        take(other);
        return *this;
    }

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    [[nodiscard]] T* data() noexcept { return capacity_ > N ? place_.there : place_.here; }
    [[nodiscard]] const T* data() const noexcept { return capacity_ > N ? place_.there : place_.here; }
    [[nodiscard]] T* begin() noexcept { return data(); }
    [[nodiscard]] const T* begin() const noexcept { return data(); }
    [[nodiscard]] T* end() noexcept { return data() + size_; }
    [[nodiscard]] const T* end() const noexcept { return data() + size_; }
    [[nodiscard]] T& operator[](std::size_t i) noexcept { return data()[i]; }
    [[nodiscard]] const T& operator[](std::size_t i) const noexcept { return data()[i]; }
    [[nodiscard]] T& front() noexcept { return *data(); }
    [[nodiscard]] const T& front() const noexcept { return *data(); }
    [[nodiscard]] T& back() noexcept { return data()[size_ - 1]; }
    [[nodiscard]] const T& back() const noexcept { return data()[size_ - 1]; }

    explicit operator std::vector<T>() const { return {begin(), end()}; }

    /// Makes room for `n` elements in all: just so many, where that is more than there is room for.
    void reserve(std::size_t n) {
        if (n > capacity_) move_to(std::allocator<T>().allocate(n), n);
    }
    void resize(std::size_t n) {
        reserve(n);
        if (n < size_) return erase_from(n);
        std::uninitialized_value_construct(end(), data() + n);
        size_ = static_cast<std::uint32_t>(n);
    }
    void clear() noexcept { erase_from(0); }
    void push_back(T&& v) {
        if (size_ < capacity_) {
            std::construct_at(end(), std::move(v));
        } else {
            T kept(std::move(v));  // it may be one of these
            reserve(std::size_t{2} * capacity_);
            std::construct_at(end(), std::move(kept));
        }
        ++size_;
    }
    void push_back(const T& v) { push_back(T(v)); }
    /// Adds elements that are not of this vector.
    template <std::input_iterator It>
    requires std::sized_sentinel_for<It, It>
    void append(It first, It last) {
        const auto n = static_cast<std::size_t>(last - first);
        reserve(size_ + n);
        std::uninitialized_copy(first, last, end());
        size_ += static_cast<std::uint32_t>(n);
    }
    /// Replaces all elements by others that are not of this vector.
    template <std::input_iterator It>
    requires std::sized_sentinel_for<It, It>
    void assign(It first, It last) {
        clear();
        append(first, last);
    }
    /// Takes out [first, last), and returns where what was behind it begins.
    T* erase(const T* first, const T* last) {
        T* const to = data() + (first - data());
        std::move(data() + (last - data()), end(), to);
        erase_from(size_ - static_cast<std::size_t>(last - first));
        return to;
    }

    template <class Predicate>
    friend void erase_if(small_vector& all, Predicate&& predicate) {
        all.erase(std::remove_if(all.begin(), all.end(), std::forward<Predicate>(predicate)), all.end());
    }
    friend bool operator==(const small_vector& a, const small_vector& b) noexcept {
        return std::equal(a.begin(), a.end(), b.begin(), b.end());
    }
    friend auto operator<=>(const small_vector& a,
                            const small_vector& b) noexcept requires std::three_way_comparable<T> {
        return std::lexicographical_compare_three_way(a.begin(), a.end(), b.begin(), b.end());
    }

 private:
    static constexpr bool is_plain = std::is_trivially_copyable_v<T>;

    union place {
        place() noexcept {}
        ~place() {}
        T here[N];
        T* there;
    };

    void move_to(T* to, std::size_t room) noexcept {
        std::uninitialized_move(begin(), end(), to);
        const std::uint32_t n = size_;
        drop();
        place_.there = to;
        size_ = n;
        capacity_ = static_cast<std::uint32_t>(room);
    }
    void erase_from(std::size_t n) noexcept {
        std::destroy(data() + n, end());
        size_ = static_cast<std::uint32_t>(n);
    }
    /// Ends the elements and gives back their memory; nothing is initialised then.
    void drop() noexcept {
        std::destroy(begin(), end());
        if (capacity_ > N) std::allocator<T>().deallocate(place_.there, capacity_);
    }
    /// Takes over what `other` has, into a vector of which nothing is initialised.
    void take(small_vector& other) noexcept {
        if (is_plain || other.capacity_ > N) {
            copy_plain(other);
            other.capacity_ = N;
        } else {
            std::uninitialized_move(other.begin(), other.end(), place_.here);
            std::destroy(other.begin(), other.end());
            size_ = other.size_;
            capacity_ = N;
        }
        other.size_ = 0;
    }
    /// All that is in `other` itself, as it is.
    void copy_plain(const small_vector& other) noexcept {
        std::memcpy(static_cast<void*>(&place_), static_cast<const void*>(&other.place_), sizeof place_);
        size_ = other.size_;
        capacity_ = other.capacity_;
    }

    place place_;
    std::uint32_t size_ = 0, capacity_ = N;
};

}  // namespace casasync::detail

-- The last eight bytes of a text's MD5, the least first, as a number without a sign that loses its last bits.
shiftrightunsigned(CAST(conv(concat(
    substr(md5(value_), 31, 2), substr(md5(value_), 29, 2), substr(md5(value_), 27, 2), substr(md5(value_), 25, 2),
    substr(md5(value_), 23, 2), substr(md5(value_), 21, 2), substr(md5(value_), 19, 2), substr(md5(value_), 17, 2)), 16, -10) AS BIGINT), 2)
